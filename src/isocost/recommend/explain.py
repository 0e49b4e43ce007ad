"""A choice and what stood beside it in; what was learned, why this and why not those, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from isocost.domain.project import Sla
from isocost.domain.recommendation import ConsideredCandidate
from isocost.model.history import Ending, Observation
from isocost.recommend.outlook import Outlook
from isocost.recommend.search import SLIM_CHANCE, Move, Step
from isocost.recommend.wording import told_usd
from isocost.units import PERCENT

# Clusters whose runs are named; of a longer history, the last ones.
CLUSTERS_TOLD: Final = 6
# A chance of failing that is worth mentioning, and by how much it exceeds the choice's.
NOTABLE_FAILURE: Final = 0.05
NOTABLE_RATIO: Final = 1.5


@dataclass(frozen=True, slots=True)
class Considered:
    """A choice in its context.

    Attributes:
        chosen: with its prediction.
        next_best: by expected cost.
        turn: why a phase has just begun, if one has.
        deadline_s: of the whole project, where `sla` is the share that is left to the application.
    """

    step: Step
    chosen: ConsideredCandidate
    next_best: Sequence[ConsideredCandidate]
    sla: Sla | None
    outlook: Outlook
    turn: str | None
    deadline_s: float | None = None


def reason_for(context: Considered) -> str:
    """Return why this candidate, in one or two sentences with numbers."""
    spec, p = context.chosen.spec, context.chosen.prediction
    expected = (
        f"{_seconds(p.runtime_s)} expected (80 % between {_seconds(p.runtime_80_s.low)} and "
        f"{_seconds(p.runtime_80_s.high)}), {told_usd(p.cost_usd)}"
    )
    match context.step.move:
        case Move.EXPLOIT:
            kept = f" of those that keep {_deadline(context)}" if context.sla else ""
            return (
                f"{spec} is the cheapest cluster tried{kept}: {expected}. "
                "Nothing untried promises to pay its trial back."
            )
        case Move.EXPLORE:
            worth = context.step.worth or 0.0
            return (
                f"{spec} is worth a trial: {expected}{_in_time(context)}. By what is known, it "
                f"should save the cost of {worth:.1f} runs more than it takes."
            )
        case Move.RECOVER:
            return _recovering(context, expected)
        case Move.ENDURE:
            return (
                f"No candidate promises to keep {_deadline(context)}. {spec} is "
                f"{_fastest(context)} tried: {expected}. {_REMEDY}"
            )


def _fastest(context: Considered) -> str:
    tried = context.outlook.tried
    if tried.runtime_s[context.step.place] <= tried.runtime_s.min():
        return "the fastest"
    return "the cheapest of those about as fast as the fastest"


_REMEDY: Final = "Raise the maximum runtime, or allow larger clusters."


def _recovering(context: Considered, expected: str) -> str:
    spec, chance = context.chosen.spec, context.chosen.prediction.sla_probability
    if chance is None:
        return (
            "No cluster within the limits has succeeded undisturbed yet. "
            f"{spec} promises the cheapest run: {expected}."
        )
    if chance <= SLIM_CHANCE:
        return (
            f"No candidate promises to keep {_deadline(context)}. {spec} comes nearest: "
            f"{expected}{_in_time(context)}. {_REMEDY}"
        )
    return (
        f"No cluster tried yet is expected to keep {_deadline(context)}, so that comes first: "
        f"{spec}, {expected}{_in_time(context)}."
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
    stays = [list(runs) for _, runs in groupby(history, key=lambda o: (o.spec, _is_sound(o)))]
    told = "; ".join(_told(runs) for runs in stays[-CLUSTERS_TOLD:])
    count = "one run" if len(history) == 1 else f"{len(history)} runs"
    last = ", the last ones" if len(stays) > CLUSTERS_TOLD else ""
    return f"Learned from {count}{last}: {told}."


def _is_sound(observation: Observation) -> bool:
    return observation.ending is Ending.SUCCEEDED and not observation.is_disturbed


def _told(runs: Sequence[Observation]) -> str:
    """Return what runs in a row on one cluster did, all sound or none."""
    first = runs[0]
    if not _is_sound(first):
        return ", ".join(_told_unsound(o) for o in runs)
    low, high = (_seconds(pick(o.runtime_s or 0.0 for o in runs)) for pick in (min, max))
    took = low if low == high else f"{low} to {high}"
    return f"{first.spec} took {took}" + (f" in {len(runs)} runs" if len(runs) > 1 else "")


def _told_unsound(observation: Observation) -> str:
    if observation.ending is Ending.FAILED:
        return f"{observation.spec} failed"
    after = _seconds(observation.runtime_s or 0.0)
    if observation.ending is Ending.TIMED_OUT:
        return f"{observation.spec} was stopped after {after}"
    return f"{observation.spec} took {after}, but was disturbed"


def _why_not(candidate: ConsideredCandidate, context: Considered) -> str:
    """Return the strongest reason against a candidate that looked good by its cost."""
    p, chosen = candidate.prediction, context.chosen.prediction
    failing = (
        f"it fails with a chance of {_chance(p.failure_probability)}, against "
        f"{_chance(chosen.failure_probability)}"
    )
    if _is_late(candidate, context):
        # Of a candidate that breaks the deadline by failing, that it fails is the news.
        is_failing = p.failure_probability > (1.0 - (p.sla_probability or 0.0)) / 2
        late = f"the chance that it keeps the deadline is {_chance(p.sla_probability or 0.0)}"
        why = failing if is_failing else late
    elif context.step.move is Move.ENDURE:
        why = f"{_seconds(p.runtime_s)} expected, and speed counts until the deadline is kept"
    elif p.cost_usd >= chosen.cost_usd:
        more = p.cost_usd / chosen.cost_usd - 1.0 if chosen.cost_usd else 0.0
        why = f"{told_usd(p.cost_usd)} expected, {more * PERCENT:.1f} % more"
    elif p.failure_probability > max(NOTABLE_FAILURE, NOTABLE_RATIO * chosen.failure_probability):
        why = failing
    elif any(seen.spec == candidate.spec for seen in context.outlook.seen):
        why = "it is known already; a trial may find something cheaper still"
    else:
        less = 1.0 - p.cost_usd / chosen.cost_usd
        why = (
            f"{less * PERCENT:.1f} % less expected, which is too little or too unsure to pay a "
            "trial back"
        )
    return f"Not {candidate.spec}: {why}."


def _is_late(candidate: ConsideredCandidate, context: Considered) -> bool:
    mine = candidate.prediction.sla_probability
    chosen = context.chosen.prediction.sla_probability
    if context.sla is None or mine is None or chosen is None:
        return False
    return mine < min(chosen, context.sla.asked_probability)


def _in_time(context: Considered) -> str:
    probability = context.chosen.prediction.sla_probability
    if probability is None:
        return ""
    return f"; the chance that it keeps {_deadline(context)} is {_chance(probability)}"


def _chance(probability: float) -> str:
    return "less than 1 %" if 0 < probability < 0.01 else f"{probability * PERCENT:.0f} %"


def _deadline(context: Considered) -> str:
    """Return the deadline that people know, with what it leaves to the application."""
    if context.sla is None:
        return "the deadline"
    own = _seconds(context.sla.max_runtime_s)
    whole = own if context.deadline_s is None else _seconds(context.deadline_s)
    left = "" if own == whole else f" (of which start-up and other steps leave {own})"
    return f"the deadline of {whole}{left}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"
