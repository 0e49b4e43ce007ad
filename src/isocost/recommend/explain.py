"""A choice and what stood beside it in; what was learned, why this and why not those, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isocost.domain.project import Sla
from isocost.domain.recommendation import ConsideredCandidate
from isocost.model.history import Ending, Observation
from isocost.recommend.outlook import Outlook
from isocost.recommend.search import RULES, Move, Step
from isocost.units import PERCENT

# Runs named one by one; a longer history is summed up.
RUNS_TOLD: Final = 6
# A chance of failing that is worth mentioning.
NOTABLE_FAILURE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Considered:
    """A choice in its context.

    Attributes:
        chosen: with its prediction.
        next_best: by expected cost.
        turn: why a phase has just begun, if one has.
    """

    step: Step
    chosen: ConsideredCandidate
    next_best: Sequence[ConsideredCandidate]
    sla: Sla | None
    outlook: Outlook
    turn: str | None


def reason_for(context: Considered) -> str:
    """Return why this candidate, in one or two sentences with numbers."""
    spec, p = context.chosen.spec, context.chosen.prediction
    expected = (
        f"{_seconds(p.runtime_s)} expected ({_seconds(p.runtime_80_s.low)} to "
        f"{_seconds(p.runtime_80_s.high)} with 80 %), {_usd(p.cost_usd)}"
    )
    match context.step.move:
        case Move.EXPLOIT:
            kept = f" of those that keep {_deadline(context.sla)}" if context.sla else ""
            return f"{spec} is the cheapest cluster tried{kept}: {expected}. Nothing untried " + (
                "promises to pay its trial back."
            )
        case Move.EXPLORE:
            worth = (context.step.worth or 0.0) + RULES.trial_price
            return (
                f"{spec} is worth a trial: {expected}. By what is known it should save "
                f"{worth:.1f} runs' cost over the horizon{_in_time(context)}."
            )
        case Move.RECOVER if context.sla is None:
            return (
                "No cluster within the limits has succeeded undisturbed yet. "
                f"{spec} promises the cheapest run: {expected}."
            )
        case Move.RECOVER:
            return (
                f"No run has kept {_deadline(context.sla)} yet, so that comes first: {spec}, "
                f"{expected}{_in_time(context)}."
            )
        case Move.ENDURE:
            return (
                f"No candidate promises to keep {_deadline(context.sla)}. {spec} is the fastest "
                f"tried: {expected}. Raise the maximum runtime, or allow larger clusters."
            )


def explain(context: Considered, history: Sequence[Observation]) -> tuple[str, ...]:
    """Return what was learned, why the phase changed, and why not the next best candidates."""
    sentences = [_learned(history)]
    if context.turn is not None:
        sentences.append(f"Learning again, because {context.turn}.")
    causes = context.chosen.prediction.causes
    if causes and causes[0].share < 1.0:
        shares = ", ".join(f"{c.name} {c.share * PERCENT:.0f} %" for c in causes[:3])
        sentences.append(f"What is not known of {context.chosen.spec}: {shares}.")
    sentences += [_why_not(candidate, context) for candidate in context.next_best]
    return tuple(sentences)


def _learned(history: Sequence[Observation]) -> str:
    told = [_told(o) for o in history[-RUNS_TOLD:]]
    more = len(history) - len(told)
    before = f"after {more} others, " if more else ""
    return f"Learned from {len(history)} runs: {before}{'; '.join(told)}."


def _told(observation: Observation) -> str:
    if observation.ending is Ending.FAILED:
        return f"{observation.spec} failed"
    if observation.ending is Ending.TIMED_OUT:
        return f"{observation.spec} was stopped after {_seconds(observation.runtime_s or 0.0)}"
    disturbed = " (disturbed)" if observation.is_disturbed else ""
    return f"{observation.spec} took {_seconds(observation.runtime_s or 0.0)}{disturbed}"


def _why_not(candidate: ConsideredCandidate, context: Considered) -> str:
    """Return the strongest reason against a candidate that looked good by its cost."""
    p, chosen = candidate.prediction, context.chosen.prediction
    if p.failure_probability > max(NOTABLE_FAILURE, chosen.failure_probability):
        why = f"it may fail with {p.failure_probability * PERCENT:.0f} %"
    elif p.sla_probability is not None and p.sla_probability < 1.0 - RULES.safe_miss:
        why = f"it keeps the deadline with only {p.sla_probability * PERCENT:.0f} %"
    elif p.cost_usd >= chosen.cost_usd:
        more = p.cost_usd / chosen.cost_usd - 1.0 if chosen.cost_usd else 0.0
        why = f"{_usd(p.cost_usd)} expected, {more * PERCENT:.1f} % more"
    elif any(seen.spec == candidate.spec for seen in context.outlook.seen):
        why = "it is known already; a trial may find something cheaper still"
    else:
        less = 1.0 - p.cost_usd / chosen.cost_usd
        why = (
            f"{less * PERCENT:.1f} % less expected, which is too little or too unsure to pay a "
            "trial back"
        )
    return f"Not {candidate.spec}: {why}."


def _in_time(context: Considered) -> str:
    probability = context.chosen.prediction.sla_probability
    if probability is None:
        return ""
    return f"; it keeps {_deadline(context.sla)} with {probability * PERCENT:.0f} %"


def _deadline(sla: Sla | None) -> str:
    return "the deadline" if sla is None else f"the deadline of {_seconds(sla.max_runtime_s)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


def _usd(usd: float) -> str:
    return f"{usd:.2f} USD" if usd >= 1 else f"{usd:.3g} USD"
