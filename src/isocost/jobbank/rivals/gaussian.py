"""Cluster features and log runtimes in; a Gaussian process's view of every cluster out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of
from isocost.jobbank.rivals.tried import Floats

# Hyperparameters are averaged over this grid by their marginal likelihood, which with a handful
# of runs is steadier than its maximum. Length scales in standard deviations of the features,
# amplitudes in those of the log runtimes seen, noise in amplitudes.
LENGTH_SCALES: Final = (0.5, 1.0, 2.0, 4.0)
AMPLITUDES: Final = (0.7, 1.5)
NOISES: Final = (0.05, 0.2)

# Log runtimes of one workload over the clusters of a cloud differ by about a factor e^0.5; with
# one run there is nothing to estimate it from, and two equal ones must not make it vanish.
FIRST_SPREAD: Final = 0.5
LEAST_SPREAD: Final = 0.15
_JITTER: Final = 1e-6


@dataclass(frozen=True, slots=True)
class LogRuntimes:
    """A mixture of normal distributions of the log runtime, for every cluster.

    Attributes:
        weights: shape (components,); they sum to 1.
        means, deviations: shape (components, clusters).
    """

    weights: Floats
    means: Floats
    deviations: Floats

    def probability_below(self, log_runtime: float) -> Floats:
        """Return P(log runtime ≤ `log_runtime`), shape (clusters,)."""
        below: Floats = self.weights @ ndtr((log_runtime - self.means) / self.deviations)
        return below

    def expected_cost(self, usd_per_s: Floats) -> Floats:
        """Return the mean cost, shape (clusters,); spreads above e^1 would let the tail decide."""
        spread = np.minimum(self.deviations, 1.0)
        cost: Floats = usd_per_s * (self.weights @ np.exp(self.means + 0.5 * spread**2))
        return cost

    def expected_improvement(self, usd_per_s: Floats, best_usd: float) -> Floats:
        """Return E[max(0, best − cost)] in USD, in closed form for log-normal costs.

        Shape (clusters,).
        """
        location = self.means + np.log(usd_per_s)
        z = (np.log(best_usd) - location) / self.deviations
        mean_below = np.exp(location + 0.5 * self.deviations**2) * ndtr(z - self.deviations)
        gain: Floats = self.weights @ (best_usd * ndtr(z) - mean_below)
        return gain

    def quantile_s(self, level: float, place: int) -> float:
        """Return a quantile of the runtime of one cluster in seconds."""
        means, deviations = self.means[:, place], self.deviations[:, place]

        def excess(log_runtime: float) -> float:
            return float(self.weights @ ndtr((log_runtime - means) / deviations)) - level

        reach = 10.0 * float(deviations.max())
        found: float = brentq(excess, float(means.min()) - reach, float(means.max()) + reach)
        return float(np.exp(found))


def features_of(specs: Sequence[ClusterSpec], node_types: Sequence[NodeType]) -> Floats:
    """Return standardised logarithms of cores, nodes, GiB per core and cores per node.

    Shape (clusters, 4); a feature in which all clusters are equal is 0.
    """
    rows = []
    for spec in specs:
        node = node_type_of(spec, node_types)
        cores = node.cores * spec.worker_count
        rows.append((cores, spec.worker_count, node.memory_gib / node.cores, node.cores))
    logs = np.log(np.array(rows, dtype=np.float64))
    spread = logs.std(axis=0)
    standardised: Floats = (logs - logs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standardised


def log_runtimes(features: Floats, places: Sequence[int], logs: Floats) -> LogRuntimes:
    """Return what `logs`, observed at `places`, say of every cluster.

    A Gaussian process with a Matérn-5/2 kernel, as CherryPick's, here on the logarithm.

    Args:
        features: shape (clusters, features).
        places: of the observed clusters, distinct; at least one.
        logs: log runtimes there, shape (observed,).
    """
    centre = float(logs.mean())
    spread = max(float(logs.std(ddof=1)), LEAST_SPREAD) if len(logs) > 1 else FIRST_SPREAD
    observed = np.asarray(places)
    # The amplitude scales a whole kernel, its noise included, so it needs no factor of its own.
    shared, noises = _kernels(features, observed)
    near = shared[:, observed, :]
    noisy = near + (noises**2 + _JITTER)[:, None, None] * np.eye(len(observed))
    factors = np.linalg.cholesky(noisy)
    across = np.linalg.solve(factors, shared.transpose(0, 2, 1))
    centred = np.broadcast_to((logs - centre)[:, None], (*near.shape[:2], 1))
    residuals = np.linalg.solve(factors, centred)
    means = centre + (across.transpose(0, 2, 1) @ residuals)[:, :, 0]
    variances = np.maximum(1.0 - (across**2).sum(axis=1), 0.0) + (noises**2)[:, None] + _JITTER
    misfits = (residuals**2).sum(axis=(1, 2))
    volumes = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    scales = np.array(AMPLITUDES)[:, None] * spread
    evidence = -0.5 * misfits / scales**2 - volumes - len(logs) * np.log(scales)
    likelihood = np.exp(evidence - evidence.max()).ravel()
    return LogRuntimes(
        weights=likelihood / likelihood.sum(),
        means=np.tile(means, (len(AMPLITUDES), 1)),
        deviations=(scales[:, :, None] * np.sqrt(variances)).reshape(-1, len(features)),
    )


def _kernels(features: Floats, observed: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return kernels to the observed, (lengths × noises, clusters, observed), and their noises."""
    distances = cdist(features, features[observed])
    kernels = [_matern52(distances / length) for length in LENGTH_SCALES for _ in NOISES]
    return np.array(kernels), np.tile(np.array(NOISES), len(LENGTH_SCALES))


def _matern52(distances: Floats) -> Floats:
    scaled = np.sqrt(5.0) * distances
    kernel: Floats = (1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled)
    return kernel
