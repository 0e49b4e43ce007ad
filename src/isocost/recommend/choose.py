"""Considered candidates and an SLA in, the cheapest one that keeps it out."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.project import Sla
from isocost.domain.recommendation import ConsideredCandidate
from isocost.errors import InvalidInput
from isocost.units import PERCENT


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen candidate, whether it keeps the SLA, and the sentence that says why."""

    candidate: ConsideredCandidate
    meets_sla: bool
    reason: str


def choose(considered: Sequence[ConsideredCandidate], sla: Sla) -> Choice:
    """Return the cheapest candidate that keeps the SLA with the asked probability.

    Where none does, the one surest to be fast is returned and the choice says so: that with the
    lowest upper end of its 80 % interval, which need not be the one with the lowest expected
    runtime, since a late project should not be gambled with. Ties go to the smaller cluster, so
    that the same predictions give the same choice.

    Raises:
        InvalidInput: if there is no candidate at all.
    """
    if not considered:
        raise InvalidInput(
            "No candidate is left: every cluster was rejected by a limit. Widen the limits."
        )
    keeping = [c for c in considered if _sla_probability(c) >= sla.asked_probability]
    if not keeping:
        surest = min(considered, key=lambda c: (c.prediction.runtime_80_s.high, c.spec))
        return Choice(surest, meets_sla=False, reason=_no_candidate(surest, sla))
    cheapest = min(keeping, key=lambda c: (c.prediction.cost_usd, c.spec))
    return Choice(cheapest, meets_sla=True, reason=_cheapest(cheapest, len(keeping), sla))


def _sla_probability(candidate: ConsideredCandidate) -> float:
    probability = candidate.prediction.sla_probability
    return 1.0 if probability is None else probability


def _cheapest(chosen: ConsideredCandidate, keeping_count: int, sla: Sla) -> str:
    return (
        f"{chosen.spec} is the cheapest of {keeping_count} candidates that end within "
        f"{sla.max_runtime_s:.1f} s with a probability of at least "
        f"{sla.asked_probability * PERCENT:.0f} %: {chosen.prediction.runtime_s:.1f} s expected, "
        f"{_sla_probability(chosen) * PERCENT:.0f} % sure."
    )


def _no_candidate(surest: ConsideredCandidate, sla: Sla) -> str:
    prediction = surest.prediction
    return (
        f"No candidate ends within {sla.max_runtime_s:.1f} s with a probability of at least "
        f"{sla.asked_probability * PERCENT:.0f} %. {surest.spec} is the surest to be fast: "
        f"{prediction.runtime_s:.1f} s expected and, with the lowest upper end of all 80 % "
        f"intervals, {prediction.runtime_80_s.high:.1f} s at worst; "
        f"{_sla_probability(surest) * PERCENT:.0f} % sure to be in time, "
        f"{prediction.cost_usd:.6f} USD. Raise the maximum runtime, or allow larger clusters."
    )
