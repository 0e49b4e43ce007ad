"""Policies without a model: one that never moves, and one that tries clusters blindly."""

from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Phase
from isocost.domain.recommendation import Interval, Prediction
from isocost.errors import InvalidInput
from isocost.jobbank.rivals.tried import (
    Reason,
    Tried,
    advice,
    best_of,
    fastest_of,
    random_untried,
    tried_of,
    untried_of,
)
from isocost.recommend.policy import Advice, Question

# CherryPick tries at least as many before it may stop (NSDI 2017, section 3.5), so both have seen
# as much when they settle.
RANDOM_STOP_CLUSTERS: Final = 6

# There is no model, so the guess is that every cluster takes as long as the ones before, give or
# take a factor of two: it decides nothing and is not counted among the predictions.
_GUESS_80_FACTOR: Final = 2.0


class Static:
    """Stays on the cluster of the first run, as most recurring jobs do."""

    def advise(self, question: Question) -> Advice:
        """Return the first run's cluster."""
        tried = _history(question)
        reason = Reason("never moves", Phase.OPTIMIZING)
        return _guessed(question, tried, tried[0].spec, reason=reason)


class RandomSearch:
    """Tries clusters uniformly at random; after six, uses the cheapest that was in time."""

    def __init__(self, seed: int) -> None:
        """Make one whose choices all follow from `seed`."""
        self._seed = seed

    def advise(self, question: Question) -> Advice:
        """Return a cluster not tried yet, or, once six were, the best one seen."""
        tried = _history(question)
        untried = untried_of(question, tried)
        best = best_of(tried)
        has_enough = len(tried) >= RANDOM_STOP_CLUSTERS and best is not None
        if untried and (question.aims.is_endless or not has_enough):
            spec = random_untried(untried, self._seed, len(question.history))
            reason = Reason("drawn at random", Phase.LEARNING)
            return _guessed(question, tried, spec, reason=reason)
        stay = best or fastest_of(tried)
        reason = Reason(
            f"the best of {len(tried)} clusters tried", Phase.OPTIMIZING, meets_sla=stay.is_good
        )
        return _guessed(question, tried, stay.spec, reason=reason)


def _history(question: Question) -> list[Tried]:
    if not question.history:
        raise InvalidInput("There is no run to go on from yet. Run the project once.")
    return tried_of(question)


def _guessed(
    question: Question, tried: list[Tried], spec: ClusterSpec, *, reason: Reason
) -> Advice:
    """Return the choice with a guess in the place of a prediction."""
    known = next((one.runtime_s for one in tried if one.spec == spec), None)
    others = sorted(one.runtime_s for one in tried if one.runtime_s is not None)
    runtime_s = known or (others[len(others) // 2] if others else 1.0)
    low, high = runtime_s / _GUESS_80_FACTOR, runtime_s * _GUESS_80_FACTOR
    rate = float(question.purchase.usd_per_s([spec], question.node_types)[0])
    widening = _GUESS_80_FACTOR ** (1.96 / 1.28)  # 95 and 80 % of a normal distribution's logs
    prediction = Prediction(
        runtime_s=runtime_s,
        runtime_80_s=Interval(low, high),
        runtime_95_s=Interval(runtime_s / widening, runtime_s * widening),
        cost_usd=runtime_s * rate,
        cost_80_usd=Interval(low * rate, high * rate),
        sla_probability=None,
    )
    return advice(question, spec, prediction, reason=reason)
