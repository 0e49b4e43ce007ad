"""What the model says of each cluster and what was seen in; the next run's cluster and why, out.

With b the least cost of a run so far, H the runs an improvement is enjoyed for and p the
probability that a candidate misses the deadline or fails, trying it is worth, in runs of b,

    G = H · E[(b − cost)⁺] · (1 − p) / b − κ − ¾ · (E[cost] − b)⁺ / b

1. Of the candidates with p ≤ δ, try the best if its G is above 0.
2. Else of those with p ≤ cap, try the one with the best G − λ·p if that is above 0: within the
   safe set risk is free, outside it a missed deadline costs λ runs.
3. Else stay on the cheapest cluster that kept the deadline.

While none has kept it, money comes second: the cheapest candidate with p ≤ δ, else the best
chance per square root of its cost, else, where no candidate has a chance, the fastest. (Expected
improvement: Jones, Schonlau & Welch, J. Global Optimization 13, 1998.)
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np

from isocost.model.points import Floats


class Move(Enum):
    """What the next run is for."""

    EXPLORE = "explore"  # a candidate that promises to pay its trial back
    RECOVER = "recover"  # a candidate that promises to keep a deadline no run has kept yet
    EXPLOIT = "exploit"  # the cheapest cluster that kept the deadline
    ENDURE = "endure"  # nothing promises to keep the deadline: the cheapest of the fastest seen


@dataclass(frozen=True, slots=True)
class SearchRules:
    """The prices of the search.

    Attributes:
        trial_price: κ, what a trial must promise to bring in, in runs of the best known cost.
        extra_cost_share: of what the trial itself is expected to cost beyond that, counted
            against it.
        safe_miss: δ.
        miss_price: λ, in runs of the best known cost.
        most_miss: the cap on p.
    """

    trial_price: float
    extra_cost_share: float
    safe_miss: float
    miss_price: float
    most_miss: float


# κ: the stop that was best in hindsight is at an expected improvement of 2 to 3 % of the best cost
# for a horizon of 10 runs, 1 % for 25, 0.5 % for 50, so H · E = 0.25 b. λ and the cap were chosen
# among about ten settings on Scout's data; a missed deadline is worth three runs. δ is where no
# deadline was asked for; else it is the deadline's own, see `rules_for`.
# The trial's own cost counts by three quarters: one step ahead all of it does, but what the trial
# teaches of its neighbours is not in the gain. It was chosen among 0, ¼, ½, ¾ and 1 on Scout's and
# on modern EC2 data: ¾ to 1 is best where jobs cost about the same everywhere, ¼ where memory has
# cliffs to be found.
RULES: Final = SearchRules(
    trial_price=0.25, extra_cost_share=0.75, safe_miss=0.1, miss_price=3.0, most_miss=0.5
)
# A search that may miss less often than this never tries anything: safety is better priced than
# forbidden. And nobody who allows more misses than this wants them for the sake of trials.
SAFE_MISS_RANGE: Final = (0.05, 0.2)
# A chance below this is none; whoever has no better one should be as fast as possible.
SLIM_CHANCE: Final = 0.05
# Two runs of one cluster differ by 4 % (√2 times the noise of one), so what is within that of the
# fastest may be as fast.
AS_FAST: Final = 1.04
# What a run on a free cluster counts as, so that costs have ratios and logarithms.
LEAST_USD: Final = 1e-100


@dataclass(frozen=True, slots=True)
class Untried:
    """What the model says of the candidates never tried; every array is (candidates,).

    Attributes:
        expected_usd: of one run.
        gain_usd: expected improvement on the best known cost; zeros while there is none.
        miss_probability: of failing or of taking longer than the deadline.
        expected_s: runtime of one run.
    """

    expected_usd: Floats
    gain_usd: Floats
    miss_probability: Floats
    expected_s: Floats

    def __len__(self) -> int:
        return len(self.expected_usd)


NOTHING_UNTRIED: Final = Untried(np.empty(0), np.empty(0), np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class Tried:
    """What was seen of the clusters that succeeded; every array is (clusters,).

    Attributes:
        usd: of one run.
        runtime_s: of one run.
        is_in_time: whether it keeps the deadline.
    """

    usd: Floats
    runtime_s: Floats
    is_in_time: np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Step:
    """The choice.

    Attributes:
        place: among the untried for `EXPLORE` and `RECOVER`, else among the tried.
        worth: what the trial is worth in runs of the best known cost, for `EXPLORE`.
    """

    move: Move
    place: int
    worth: float | None = None


def rules_for(miss_fraction: float) -> SearchRules:
    """Return the rules under a deadline that may be missed so often."""
    low, high = SAFE_MISS_RANGE
    return replace(RULES, safe_miss=min(high, max(low, miss_fraction)))


def next_step(
    untried: Untried,
    tried: Tried,
    *,
    horizon_runs: float,
    rules: SearchRules = RULES,
    is_endless: bool = False,
) -> Step:
    """Return what to run next.

    Args:
        untried: candidates within all limits.
        tried: clusters that succeeded; where there is none, a candidate is left untried.
        horizon_runs: that an improvement is enjoyed for.
        rules: the prices.
        is_endless: try something new as long as there is anything new, whatever it costs.
    """
    if not tried.is_in_time.any():
        return _recover(untried, tried, rules)
    best = _cheapest_in_time(tried)
    if not len(untried):
        return best
    worths = _worths(
        untried,
        replace(rules, extra_cost_share=0.0) if is_endless else rules,
        best_usd=float(tried.usd[best.place]),
        horizon_runs=horizon_runs,
    )
    for worth, is_allowed in worths:
        place = int(np.where(is_allowed, worth, -np.inf).argmax())
        if is_allowed[place] and worth[place] > 0.0:
            return Step(Move.EXPLORE, place, float(worth[place]))
    if is_endless:
        likely_gain = untried.gain_usd * (1.0 - untried.miss_probability)
        return Step(Move.EXPLORE, int(likely_gain.argmax()))
    return best


def _worths(
    untried: Untried, rules: SearchRules, *, best_usd: float, horizon_runs: float
) -> list[tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]]:
    """Return worth and admission of each candidate: by the safe rule, then by the priced one."""
    miss = untried.miss_probability
    best_usd = max(best_usd, LEAST_USD)
    extra = np.maximum(untried.expected_usd - best_usd, 0.0) / best_usd
    worth = horizon_runs * untried.gain_usd * (1.0 - miss) / best_usd - rules.trial_price
    worth = worth - rules.extra_cost_share * extra
    return [
        (worth, miss <= rules.safe_miss),
        (worth - rules.miss_price * miss, miss <= rules.most_miss),
    ]


def _cheapest_in_time(tried: Tried) -> Step:
    usd = np.where(tried.is_in_time, tried.usd, np.inf)
    return Step(Move.EXPLOIT, int(usd.argmin()))


def _cheapest_of_the_fastest(tried: Tried) -> Step:
    is_as_fast = tried.runtime_s <= AS_FAST * tried.runtime_s.min()
    return Step(Move.ENDURE, int(np.where(is_as_fast, tried.usd, np.inf).argmin()))


def _as_fast_as_can_be(untried: Untried, tried: Tried) -> Step:
    """Return the candidate expected to be fastest, or what was tried if that is faster.

    Of chances next to none the largest may be that of the least known cluster.
    """
    place = int(untried.expected_s.argmin())
    if len(tried.usd) and tried.runtime_s.min() <= untried.expected_s[place]:
        return _cheapest_of_the_fastest(tried)
    return Step(Move.RECOVER, place)


def _recover(untried: Untried, tried: Tried, rules: SearchRules) -> Step:
    chance = 1.0 - untried.miss_probability
    if not len(untried):
        return _cheapest_of_the_fastest(tried)
    is_safe = untried.miss_probability <= rules.safe_miss
    if is_safe.any():
        usd = np.where(is_safe, untried.expected_usd, np.inf)
        return Step(Move.RECOVER, int(usd.argmin()))
    if chance.max() <= 0.0 and not len(tried.usd):
        return Step(Move.RECOVER, int(untried.expected_usd.argmin()))
    if chance.max() <= SLIM_CHANCE:
        return _as_fast_as_can_be(untried, tried)
    return Step(Move.RECOVER, int((chance / np.sqrt(untried.expected_usd)).argmax()))
