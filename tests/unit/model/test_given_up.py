"""When a cluster is not tried again."""

import pytest

from isocost.model.cells import MOST_CELLS, cells_of
from isocost.model.history import given_up
from tests.unit.model.clusters import a_run, on


@pytest.mark.parametrize(
    ("outcomes", "is_given_up"),
    [
        ([False], True),
        ([True], False),
        ([True, True, False], False),
        ([True, False, False], True),
        ([False, True], False),
    ],
)
def test_two_failures_in_a_row_or_no_success_give_a_cluster_up(outcomes, is_given_up):
    assert (on(4) in given_up((on(4), succeeded) for succeeded in outcomes)) is is_given_up


def test_varying_input_of_one_cluster_does_not_crowd_out_the_others():
    early = [a_run(on(n), 100.0, input_bytes=1e9) for n in (1, 2, 8)]
    later = [a_run(on(4), 100.0, input_bytes=1e9 * 1.05**n) for n in range(2 * MOST_CELLS)]
    cells = cells_of([*early, *later], [0] * (3 + 2 * MOST_CELLS), input_bytes=1e9)
    assert len(cells) == MOST_CELLS
    assert {cell.spec for cell in cells} == {on(1), on(2), on(4), on(8)}
