"""Predictions in; whether their intervals and promises hold as often as they say, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.tables import PredictionRow, RunRow

PROMISE_EDGES: Final = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the predicted distribution.

    Attributes:
        expected: the share of runtimes that belongs there.
        found: the share that fell there.
    """

    name: str
    expected: float
    found: float


@dataclass(frozen=True, slots=True)
class Promise:
    """Recommendations that promised about the same chance to keep the deadline.

    Attributes:
        promised: their mean chance.
        kept: the share that was in time.
    """

    promised: float
    kept: Estimate


def coverage(predictions: Sequence[PredictionRow]) -> tuple[Estimate | None, Estimate | None]:
    """Return the shares of runtimes inside their 80 and 95 % intervals."""
    inside_80 = ((r.workload, float(r.is_in_80)) for r in predictions if r.is_in_80 is not None)
    inside_95 = ((r.workload, float(r.is_in_95)) for r in predictions if r.is_in_95 is not None)
    return clustered_mean(inside_80), clustered_mean(inside_95)


def places(predictions: Sequence[PredictionRow]) -> list[Place]:
    """Return where in their predicted distributions the runtimes fell, from fast to slow."""
    limits = [
        (row.actual_s, (row.low_95_s, row.low_80_s, row.predicted_s, row.high_80_s, row.high_95_s))
        for row in predictions
        if row.actual_s is not None
    ]
    names = (
        ("faster than 95 % interval", 0.025),
        ("below 80 % interval", 0.075),
        ("lower half of it", 0.40),
        ("upper half of it", 0.40),
        ("above 80 % interval", 0.075),
        ("slower than 95 % interval", 0.025),
    )
    fell = [sum(actual_s > limit for limit in told) for actual_s, told in limits]
    return [
        Place(name, expected, fell.count(place) / len(fell))
        for place, (name, expected) in enumerate(names)
        if fell
    ]


def promises(predictions: Sequence[PredictionRow], runs: Sequence[RunRow]) -> list[Promise]:
    """Return how often promised chances to keep the deadline came true, the lowest first."""
    late = {run.run_id: run.is_late for run in runs}
    held: dict[int, list[tuple[float, str, float]]] = {}
    for row in predictions:
        is_late, promised = late.get(row.child_run_id), row.sla_probability
        if is_late is not None and promised is not None:
            place = sum(promised > edge for edge in PROMISE_EDGES)
            held.setdefault(place, []).append((promised, row.workload, float(not is_late)))
    return [found for place in sorted(held) if (found := _promise(held[place])) is not None]


def _promise(held: Sequence[tuple[float, str, float]]) -> Promise | None:
    kept = clustered_mean((workload, kept) for _, workload, kept in held)
    return None if kept is None else Promise(sum(p for p, _, _ in held) / len(held), kept)
