"""Which clusters succeeded and which failed in, the probability of failure on any cluster out.

A cluster fails for want of memory per core (a spark task does not fit), of memory in sum (what is
cached or broadcast does not) or of cores (the run is stopped at its time limit), or by bad luck.
Each want is a threshold somewhere in the space; the posterior over all thresholds is exact.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from isocost.model.points import Floats, Points

# Runs that fail for no reason of the cluster: 1 to 5 % of production runs; 51 of the 690 clusters
# of the Scout data set failed, about a third of them alone among clusters of their size. Worth ten
# runs, then a project's own successes speak.
BAD_LUCK: Final = 0.03
BAD_LUCK_RUNS: Final = 10.0
# A cluster below the threshold that succeeds all the same.
NARROW_ESCAPE: Final = 0.05
# Three programs in ten fail for want of one of these somewhere within a factor of e⁵, or 150: from
# a laptop's core to a large node's, from a few GiB to a TiB. A space that spans less holds so much
# less of that, so that half the memory is not feared before anything has failed.
WANTING: Final = 0.3
WANTING_E_FOLDS: Final = 5.0
THRESHOLDS: Final = 40
_WANTS: Final = ("memory per core", "memory in sum", "cores")
_TINY: Final = 1e-12


class FailureModel:
    """The posterior over what a program fails for want of; immutable once made."""

    def __init__(self, space: Points, tried: Points, has_failed: Sequence[bool]) -> None:
        """Learn from runs.

        Args:
            space: all candidates; thresholds lie between its smallest and largest.
            tried: the clusters of the runs.
            has_failed: of each run.
        """
        failed = np.asarray(has_failed, dtype=bool)
        self._thresholds = [_thresholds(np.concatenate(pair)) for pair in _pairs(space, tried)]
        wanting = [_probability_of_want(pair) for pair in _pairs(space, tried)]
        logs = [np.array([np.log1p(-sum(wanting)) + _log_likelihood_of_luck(failed)])]
        for amounts, thresholds, mass in zip(
            _amounts(tried), self._thresholds, wanting, strict=True
        ):
            chance = _chance(amounts, thresholds)
            likelihood = np.log(np.where(failed, chance, 1.0 - chance)).sum(axis=1)
            logs.append(np.log(max(mass, _TINY) / THRESHOLDS) + likelihood)
        joint = np.concatenate(logs)
        weights = np.exp(joint - joint.max())
        self._weights = weights / weights.sum()
        # Failures are not counted here: whether they were luck is what the thresholds decide.
        self._luck = BAD_LUCK * BAD_LUCK_RUNS / (BAD_LUCK_RUNS + np.count_nonzero(~failed))

    def probability(self, points: Points) -> Floats:
        """Return P(failure) of the next run on each cluster, (points,)."""
        total = np.full(len(points), self._weights[0] * self._luck)
        start = 1
        for amounts, thresholds in zip(_amounts(points), self._thresholds, strict=True):
            weights = self._weights[start : start + len(thresholds)]
            # The weight of all thresholds above a cluster, without a (thresholds, points) array.
            below = np.concatenate([[0.0], np.cumsum(weights)])
            reached = below[np.searchsorted(thresholds, amounts, side="right")]
            short = weights.sum() - reached
            total += reached * self._luck + short * (1.0 - NARROW_ESCAPE)
            start += len(thresholds)
        return total


def _amounts(points: Points) -> tuple[Floats, Floats, Floats]:
    """Return what may be wanted of each cluster: memory per core, memory in sum, cores."""
    in_sum = points.node_memory_gib * points.nodes
    return in_sum / points.cores, in_sum, points.cores


def _pairs(a: Points, b: Points) -> list[tuple[Floats, Floats]]:
    return list(zip(_amounts(a), _amounts(b), strict=True))


def _probability_of_want(amounts: tuple[Floats, Floats]) -> float:
    """Return the prior probability that a threshold lies between the least and the most."""
    together = np.concatenate(amounts)
    e_folds = float(np.log(together.max() / together.min()))
    return WANTING / len(_WANTS) * min(1.0, e_folds / WANTING_E_FOLDS)


def _thresholds(amounts: Floats) -> Floats:
    """Return thresholds between the least and the most, evenly in their logarithm."""
    edges = np.linspace(np.log(amounts.min()), np.log(amounts.max()), THRESHOLDS + 1)
    return np.asarray(np.exp((edges[1:] + edges[:-1]) / 2))


def _chance(amounts: Floats, thresholds: Floats) -> Floats:
    """Return P(failure) under each threshold, (thresholds, runs)."""
    is_short = amounts[None] < thresholds[:, None]
    return np.asarray(np.where(is_short, 1.0 - NARROW_ESCAPE, BAD_LUCK))


def _log_likelihood_of_luck(has_failed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    failures = int(has_failed.sum())
    return float(failures * np.log(BAD_LUCK) + (len(has_failed) - failures) * np.log1p(-BAD_LUCK))
