"""As much data per executor takes as long on more executors, but for contention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.errors import InvalidInput
from isocost.model.weak_scaling import SizedRun, WeakScaling


def a_run(size, executor_count=3, driver_s=10.0, contention=0.0):
    """Return a run of a program whose caches overflow beyond 4 of size per executor."""
    per_executor = size / executor_count
    worked_s = 20 * per_executor + 40 * max(0.0, per_executor - 4)
    worked_s *= 1 + contention * executor_count
    return SizedRun(executor_count, size, driver_s + worked_s, driver_s)


KNOWN = [a_run(size) for size in (3, 6, 9, 12, 15, 18, 24, 30, 36)]


@pytest.mark.parametrize("size", [10.0, 40.0, 80.0])
def test_few_executors_with_little_data_show_many_with_much(size):
    predicted_s = WeakScaling(KNOWN, 0.0).median_s(10, size)
    assert predicted_s == pytest.approx(a_run(size, executor_count=10).runtime_s, rel=0.1)


def test_driver_time_does_not_scale():
    known = [a_run(size, driver_s=200.0) for size in (3, 6, 9, 12, 15)]
    driver_s, worked = WeakScaling(known, 0.0).runtime_s(300, 30.0)
    assert driver_s == 200.0
    assert worked.log_mean < 2.0


@given(st.floats(0.001, 0.2), st.integers(3, 50), st.integers(3, 50))
def test_more_executors_with_as_much_data_each_are_never_faster(contention, one, other):
    model = WeakScaling(KNOWN, contention)
    few, many = sorted((one, other))
    assert model.median_s(few, 2.0 * few) <= model.median_s(many, 2.0 * many) + 1e-9


def test_doubt_grows_beyond_what_ran():
    model = WeakScaling(KNOWN, 0.0)
    within, beyond = (model.runtime_s(3, size)[1].log_sd for size in (10.0, 1000.0))
    assert within < 0.1 < beyond


def test_evidence_finds_the_contention():
    runs = [a_run(2.0 * n * k, n, contention=0.1) for n in (2, 4, 8, 16) for k in (1, 2, 3)]
    evidence = {c: WeakScaling(runs, c).log_evidence for c in (0.001, 0.02, 0.1, 0.5)}
    assert max(evidence, key=lambda c: evidence[c]) == 0.1


def test_no_run_is_refused():
    with pytest.raises(InvalidInput, match="at least one run"):
        WeakScaling([], 0.0)


@pytest.mark.parametrize("values", [(3, 0.0, 10.0), (3, 1.0, 0.0), (3, 1.0, 5.0, 5.0)])
def test_run_that_says_nothing_is_refused(values):
    with pytest.raises(InvalidInput, match="says nothing of scaling"):
        SizedRun(*values)
