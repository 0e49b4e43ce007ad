"""Spark tasks slow down with the number of executors as measured ones do."""

import pytest

from benchmarks.simulator_scaling import COUNTS, MEASURED, scaling


def test_growth_with_executors_is_within_a_tenth_of_what_was_measured(shared_data):
    found = scaling(shared_data / "scaling" / "decima-tpch")
    for count in COUNTS:
        assert found["simulated"][count] == pytest.approx(MEASURED[count], rel=0.1)
