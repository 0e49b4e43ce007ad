"""Fixtures of the tests that ask real servers."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest


@pytest.fixture(scope="module")
def endings() -> Iterator[Executor]:
    """Where servers end beside the tests that follow; all have ended with the module."""
    with ThreadPoolExecutor(max_workers=4) as workers:
        yield workers
