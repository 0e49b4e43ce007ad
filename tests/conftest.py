"""Fixtures every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

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
