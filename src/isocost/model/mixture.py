"""A weighted mixture of normals over log runtimes: medians, intervals, chances and gains out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from isocost.model.points import Floats

_REACH: Final = 8.0  # standard deviations to either side that a quantile is looked for in
_BISECTIONS: Final = 20  # of 16 standard deviations: to a hundred-thousandth of one
# A component so wide knows nothing; its mean runtime would be the whole mixture's.
_WIDEST_SD: Final = 0.7


@dataclass(frozen=True, slots=True)
class Mixture:
    """Log runtimes of some clusters.

    Attributes:
        weights: (components,), summing to 1.
        mean, sd: (components, points), of the logarithm of the runtime in seconds.
    """

    weights: Floats
    mean: Floats
    sd: Floats

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the log runtime, (points,) each."""
        mean = self.weights @ self.mean
        second = self.weights @ (self.sd**2 + (self.mean - mean) ** 2)
        return mean, np.sqrt(second)

    def probability_below(self, log_s: float | Floats) -> Floats:
        """Return P(log runtime ≤ `log_s`), (points,)."""
        return np.asarray(self.weights @ ndtr((log_s - self.mean) / self.sd))

    def quantiles(self, probabilities: Sequence[float]) -> Floats:
        """Return the log runtimes that so much of the mass lies below, (probabilities, points)."""
        mean, sd = self.moments()
        wanted = np.asarray(probabilities)[:, None]
        low = np.broadcast_to(mean - _REACH * sd, (len(wanted), len(mean)))
        high = np.broadcast_to(mean + _REACH * sd, (len(wanted), len(mean)))
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            is_below = self._masses_below(middle) < wanted
            low = np.where(is_below, middle, low)
            high = np.where(is_below, high, middle)
        return np.asarray((low + high) / 2)

    def _masses_below(self, log_s: Floats) -> Floats:
        """Return P(log runtime ≤ `log_s`), (levels, points) each."""
        apart = (log_s[None] - self.mean[:, None]) / self.sd[:, None]
        return np.asarray(np.tensordot(self.weights, ndtr(apart), axes=1))

    def expected_s(self) -> Floats:
        """Return the mean runtime in seconds, (points,); of wide components a cautious one."""
        sd = np.minimum(self.sd, _WIDEST_SD)
        return np.asarray(self.weights @ np.exp(self.mean + 0.5 * sd**2))

    def expected_gain(self, log_usd_per_s: Floats, best_usd: float | Floats) -> Floats:
        """Return E[(best − cost)⁺] in USD, (points,): the expected improvement on a known cost.

        Args:
            log_usd_per_s: (points,), the clusters' rates.
            best_usd: the least cost of a run so far, for all or (points,).
        """
        log_usd = self.mean + log_usd_per_s
        ahead = (np.log(best_usd) - log_usd) / self.sd
        spent = np.exp(log_usd + 0.5 * self.sd**2) * ndtr(ahead - self.sd)
        return np.asarray(self.weights @ (best_usd * ndtr(ahead) - spent))

    def take(self, places: np.ndarray[tuple[int], np.dtype[np.intp]]) -> "Mixture":
        """Return the mixture at some of the points."""
        return Mixture(self.weights, self.mean[:, places], self.sd[:, places])


def joined(parts: list[tuple[Floats, Floats, Floats]]) -> Mixture:
    """Return one mixture of (weights, mean, sd) parts; weights are normalised."""
    weights = np.concatenate([part[0] for part in parts])
    mean = np.vstack([part[1] for part in parts])
    sd = np.vstack([np.broadcast_to(part[2], part[1].shape) for part in parts])
    return Mixture(weights / weights.sum(), mean, sd)
