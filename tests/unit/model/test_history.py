"""A run without a usable runtime is refused by its name, unless it failed."""

import pytest

from isocost.errors import InvalidInput
from isocost.model.history import Ending, Observation, with_likely_inputs
from tests.unit.model.clusters import a_run, on


@pytest.mark.parametrize("runtime_s", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("ending", list(Ending))
def test_impossible_runtime_is_refused_by_run(runtime_s, ending):
    with pytest.raises(InvalidInput, match=r"Run r-77 .*ingest its event log again"):
        Observation("r-77", on(), runtime_s, ending)


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["input_bytes", "working_set_gib"])
def test_impossible_amount_is_refused_by_run(name, amount):
    with pytest.raises(InvalidInput, match=f"Run r-77 .*{name}"):
        Observation("r-77", on(), 60.0, **{name: amount})


@pytest.mark.parametrize("ending", [Ending.SUCCEEDED, Ending.TIMED_OUT])
def test_only_a_failed_run_needs_no_runtime(ending):
    assert Observation("r-1", on(), None, Ending.FAILED).runtime_s is None
    with pytest.raises(InvalidInput, match="r-1"):
        Observation("r-1", on(), None, ending)


@pytest.mark.parametrize(
    ("known", "likely"),
    [
        ((None, None, 5.0), (5.0, 5.0, 5.0)),
        ((None, 5.0, None, 10.0, None), (5.0, 5.0, 5.0, 10.0, 10.0)),
        ((None, None), (None, None)),
    ],
)
def test_unknown_input_is_likely_that_of_the_run_before_or_else_after(known, likely):
    history = [a_run(on(), input_bytes=size) for size in known]
    assert tuple(o.input_bytes for o in with_likely_inputs(history)) == likely
