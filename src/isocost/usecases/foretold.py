"""A project's runs in; what was expected of each before it ran, out.

A recommendation foretells the first run on its cluster. Of later ones more is known by then, and
their data may be others: what each was held against when it was judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

from isocost.domain.recommendation import Interval, Prediction
from isocost.domain.run import Run, RunState
from isocost.usecases.project_history import ProjectHistory
from isocost.usecases.project_view import ExecutionView

# Of a normal distribution, each side.
_SDS_80: Final = 1.2816
_SDS_95: Final = 1.9600


@dataclass(frozen=True, slots=True)
class Foretold:
    """The runtime expected of one run's application, in seconds."""

    ordinal: int
    median_s: float
    within_80_s: Interval
    within_95_s: Interval


def foretold(
    history: ProjectHistory, runs: Sequence[tuple[ExecutionView, Run]]
) -> Iterator[Foretold]:
    """Give what was expected of those runs of one cluster of which anything was, oldest first."""
    # Where runs before those shown are hidden, the first one's cluster may have been tried there.
    tried = {runs[0][1].recommendation_id} if runs and history.hidden_count else set()
    for each, run in runs:
        recommendation = history.recommendations.get(run.recommendation_id or "")
        if recommendation is not None and run.recommendation_id not in tried:
            found: Foretold | None = _predicted(each, recommendation.prediction)
        else:
            found = _expected(each, run)
            if found is None and recommendation is not None:
                found = _predicted(each, recommendation.prediction)
        tried.add(run.recommendation_id)
        if found is not None:
            yield found


def _predicted(each: ExecutionView, prediction: Prediction) -> Foretold:
    return Foretold(
        each.execution.ordinal,
        prediction.runtime_s,
        prediction.runtime_80_s,
        prediction.runtime_95_s,
    )


def _expected(each: ExecutionView, run: Run) -> Foretold | None:
    """Return what a run that succeeded was held against; None where that is not known."""
    held = run.deviation
    sd = None if held is None or run.state is RunState.FAILED else held.expected_sd
    if held is None or sd is None:
        return None
    eighty, ninety_five = (
        Interval(held.expected_s * exp(-sds * sd), held.expected_s * exp(sds * sd))
        for sds in (_SDS_80, _SDS_95)
    )
    return Foretold(each.execution.ordinal, held.expected_s, eighty, ninety_five)
