"""Inputs get axes by their values, never by their names; what says nothing new gets none."""

from math import log

import numpy as np
import pytest

from isocost.model.inputs import axes_of, coordinates


def axes(*values, log_input=None, newest=None):
    """Return the axes of one input, x, of so many runs; the newest is the next one."""
    rows = [(("x", value),) for value in values]
    return axes_of(rows, log_input or [0.0] * len(rows), newest=newest or rows[-1])


def test_an_input_that_never_changes_has_no_axis():
    assert axes(7.0, 7.0, 7.0) == ()


def test_numbers_above_zero_go_by_their_logarithm():
    (axis,) = axes(1.0, 25.0, 100.0)
    assert coordinates([axis], [(("x", 25.0),)])[0, 0] == pytest.approx(log(25.0 / 100.0))


@pytest.mark.parametrize("values", [(0.25, 0.5, 1.0), (0.0, 0.5, 1.0), (-3.0, 2.0, 5.0)])
def test_shares_and_numbers_down_to_zero_or_below_go_as_they_are(values):
    (axis,) = axes(*values)
    assert not axis.is_log
    least, most = coordinates([axis], [(("x", values[0]),), (("x", values[-1]),)])[:, 0]
    assert most == 0.0
    assert least == pytest.approx((values[0] - values[-1]) / max(1.0, values[-1]))


def test_a_tolerance_is_expected_to_shorten_runs_and_a_count_to_lengthen_them():
    (tolerance,), (count,) = axes(0.01, 0.001), axes(10.0, 100.0)
    assert tolerance.is_log
    assert tolerance.slope[0] < 0 < count.slope[0]


def test_an_input_in_proportion_to_the_input_size_has_no_axis():
    assert axes(100.0, 200.0, 400.0, log_input=[log(0.25), log(0.5), 0.0]) == ()


def test_of_two_inputs_in_proportion_one_has_an_axis():
    rows = [(("rows", n), ("cells", 12 * n)) for n in (5.0, 10.0, 40.0)]
    assert [axis.name for axis in axes_of(rows, [0.0] * 3, newest=rows[0])] == ["cells"]


def test_what_makes_the_input_larger_does_not_count_twice():
    rows = [(("rows", r), ("passes", p)) for r in (1.0, 2.0, 4.0) for p in (1.0, 10.0)]
    sizes = [log(1.0 + dict(row)["rows"]) for row in rows]
    passes, rows_axis = axes_of(rows, sizes, newest=rows[-1])
    assert passes.slope[0] == pytest.approx(0.3, abs=0.01)
    assert rows_axis.slope[0] < 0.15


def test_names_do_not_matter():
    rows = [(("b", 3.0), ("a", 0.5)), (("b", 9.0), ("a", 0.0))]
    renamed = [(("z", 3.0), ("k", 0.5)), (("z", 9.0), ("k", 0.0))]
    found, others = (axes_of(r, [0.0, 0.0], newest=r[0]) for r in (rows, renamed))
    assert np.array_equal(coordinates(found, rows), coordinates(others, renamed))
    assert [a.slope for a in found] == [a.slope for a in others]


def test_an_unknown_input_is_taken_to_be_the_next_runs():
    (axis,) = axes(10.0, 100.0)
    assert coordinates([axis], [()])[0, 0] == 0.0
