"""Ernest recovers what has its form, and never goes below it."""

import numpy as np
import pytest

from benchmarks.ernest import ernest_fit

MACHINES = [2, 4, 8, 16, 2, 4, 8, 16]
SIZES = [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0]


def runtimes_s(machines, sizes):
    return [10 + 80 * s / m + 0.5 * m for m, s in zip(machines, sizes, strict=True)]


def test_a_runtime_of_its_form_is_extrapolated_exactly():
    model = ernest_fit(MACHINES, SIZES, runtimes_s(MACHINES, SIZES))
    assert model.predict([32], [5.0]) == pytest.approx(runtimes_s([32], [5.0]))


def test_coefficients_are_never_negative():
    falling = ernest_fit([1, 2, 4, 8], [1.0] * 4, [100.0, 40.0, 15.0, 5.0])
    assert np.all(falling.theta >= 0)


def test_runs_on_one_machine_count_still_tell_the_data_slope():
    model = ernest_fit([3, 3, 3], [3.0, 6.0, 9.0], [11.0, 21.0, 31.0])
    assert model.predict([3], [12.0]) == pytest.approx([41.0])


@pytest.mark.parametrize("runs", [([], [], []), ([1], [1.0], [1.0, 2.0])])
def test_runs_without_counterparts_are_refused(runs):
    with pytest.raises(ValueError, match="at least one of each"):
        ernest_fit(*runs)
