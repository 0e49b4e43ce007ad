"""CherryPick (Alipourfard et al., NSDI 2017) as a policy: Bayesian optimization of the cost.

Three clusters at random, the cold start being the first; then the one with the greatest expected
improvement of the cost under a Gaussian process with a Matérn-5/2 kernel, times the probability of
keeping the deadline if there is one (Gardner et al., ICML 2014, as the paper proposes); it stops
when that falls below 10 % of the best cost and six clusters were tried (sections 3.3 to 3.5), and
stays with the best. Two things differ, both to its advantage: the process models the logarithm of
the runtime, the cost following from it exactly, and its hyperparameters are averaged over a grid
by their likelihood. On the Scout data set that halves the steps the published search needs.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Phase
from isocost.domain.recommendation import Interval, Prediction
from isocost.errors import InvalidInput
from isocost.jobbank.rivals.gaussian import LogRuntimes, features_of, log_runtimes
from isocost.jobbank.rivals.tried import (
    Floats,
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

# The paper's settings: section 3.4 (starting points), section 3.5 (stopping condition).
RANDOM_FIRST: Final = 3
LEAST_CLUSTERS: Final = 6
STOP_IMPROVEMENT: Final = 0.10


@dataclass(frozen=True, slots=True)
class _Belief:
    """The process's view of the clusters that were tried and then of those that were not.

    Attributes:
        specs: the tried ones first.
        usd_per_s: shape (clusters,).
    """

    tried: list[Tried]
    specs: list[ClusterSpec]
    runtimes: LogRuntimes
    usd_per_s: Floats

    def most_promising(self, promise: Floats) -> int:
        """Return the place of the untried cluster that promises most."""
        first = len(self.tried)
        return first + int(np.argmax(promise[first:]))


class Bayes:
    """CherryPick with its own stop rule."""

    def __init__(self, seed: int) -> None:
        """Make one whose random first clusters follow from `seed`."""
        self._seed = seed

    def advise(self, question: Question) -> Advice:
        """Return the cluster that CherryPick would run next."""
        if not question.history:
            raise InvalidInput("There is no run to go on from yet. Run the project once.")
        belief = _belief(question)
        spec, reason = self._choice(question, belief)
        prediction = _prediction(question, belief, belief.specs.index(spec))
        return advice(question, spec, prediction, reason=reason)

    def _choice(self, question: Question, belief: _Belief) -> tuple[ClusterSpec, Reason]:
        tried = belief.tried
        untried = belief.specs[len(tried) :]
        best = best_of(tried)
        is_settled = question.phase is Phase.OPTIMIZING and best is not None
        if not untried or (is_settled and not question.aims.is_endless):
            return _stay(tried)
        if len(tried) < RANDOM_FIRST:
            drawn = random_untried(untried, self._seed, len(question.history))
            return drawn, Reason("one of the first, at random", Phase.LEARNING)
        if best is None or best.cost_usd is None:
            return _recover(question, belief)
        return _improve(question, belief, best.cost_usd)


def _stay(tried: list[Tried]) -> tuple[ClusterSpec, Reason]:
    stay = best_of(tried) or fastest_of(tried)
    sentence = f"the best of {len(tried)} clusters tried"
    return stay.spec, Reason(sentence, Phase.OPTIMIZING, meets_sla=stay.is_good)


def _recover(question: Question, belief: _Belief) -> tuple[ClusterSpec, Reason]:
    """Return, while no run has been in time, the best chance for the money."""
    cost_usd = belief.runtimes.expected_cost(belief.usd_per_s)
    place = belief.most_promising(_probability_in_time(question, belief) / cost_usd)
    return belief.specs[place], Reason("none was in time yet: the best chance", Phase.LEARNING)


def _improve(question: Question, belief: _Belief, best_usd: float) -> tuple[ClusterSpec, Reason]:
    gain = belief.runtimes.expected_improvement(belief.usd_per_s, best_usd)
    gain = gain * _probability_in_time(question, belief)
    place = belief.most_promising(gain)
    has_enough = len(belief.tried) >= LEAST_CLUSTERS and not question.aims.is_endless
    if has_enough and gain[place] < STOP_IMPROVEMENT * best_usd:
        return _stay(belief.tried)
    share = gain[place] / best_usd if best_usd else 0.0
    return belief.specs[place], Reason(f"expected to save {share:.1%} of the best", Phase.LEARNING)


def _belief(question: Question) -> _Belief:
    tried = tried_of(question)
    specs = [one.spec for one in tried] + untried_of(question, tried)
    # A failed run is seen as one of the runtime it had: long, and the process avoids its like.
    logs = {n: np.log(one.runtime_s) for n, one in enumerate(tried) if one.runtime_s is not None}
    if not logs:
        raise InvalidInput("No run has a runtime yet, so there is nothing to learn from.")
    features = features_of(specs, question.node_types)
    runtimes = log_runtimes(features, list(logs), np.array(list(logs.values()), dtype=np.float64))
    rates = question.purchase.usd_per_s(specs, question.node_types)
    return _Belief(tried, specs, runtimes, rates)


def _probability_in_time(question: Question, belief: _Belief) -> Floats:
    if question.sla is None:
        return np.ones(len(belief.specs))
    return belief.runtimes.probability_below(float(np.log(question.sla.max_runtime_s)))


def _prediction(question: Question, belief: _Belief, place: int) -> Prediction:
    low_95, low_80, middle, high_80, high_95 = (
        belief.runtimes.quantile_s(level, place) for level in (0.025, 0.1, 0.5, 0.9, 0.975)
    )
    rate = float(belief.usd_per_s[place])
    chances = _probability_in_time(question, belief)
    return Prediction(
        runtime_s=middle,
        runtime_80_s=Interval(low_80, high_80),
        runtime_95_s=Interval(low_95, high_95),
        cost_usd=(middle + question.overhead_s) * rate,
        cost_80_usd=Interval(
            (low_80 + question.overhead_s) * rate, (high_80 + question.overhead_s) * rate
        ),
        sla_probability=None if question.sla is None else float(chances[place]),
    )
