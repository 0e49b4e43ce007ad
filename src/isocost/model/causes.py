"""A posterior and one cluster in; why its prediction is not certain, by shares, out.

The variance of a mixture is that within its components and that between them. Within: the noise
of runs, and what curves leave unexplained. Between: curves that differ in memory, in scale-out, or
in both, told apart by the covariance of the memory part with the whole.
"""

from typing import Final

import numpy as np

from isocost.domain.recommendation import Cause
from isocost.model.points import Floats, Points
from isocost.model.posterior import Posterior

NOISE: Final = "run-to-run noise"
UNEXPLAINED: Final = "what no curve explains"
MEMORY: Final = "memory"
SCALE_OUT: Final = "scaling with cores and nodes"


def causes_of(
    posterior: Posterior, points: Points, *, noise_variance: float
) -> list[tuple[Cause, ...]]:
    """Return the causes of uncertainty of each cluster, the largest first.

    Args:
        posterior: of the project.
        points: clusters.
        noise_variance: of runs, in squared log runtime.
    """
    mixture = posterior.predict(points)
    weights = mixture.weights
    within = weights @ mixture.sd**2
    noise = np.minimum(noise_variance, within)
    between = _covariance(weights, mixture.mean, mixture.mean)
    shared = _covariance(weights, mixture.mean, posterior.memory_part(points))
    from_memory = np.clip(shared, 0.0, between)
    parts = {
        NOISE: noise,
        UNEXPLAINED: within - noise,
        MEMORY: from_memory,
        SCALE_OUT: between - from_memory,
    }
    total = within + between
    return [
        tuple(
            sorted(
                (Cause(name, float(part[place] / total[place])) for name, part in parts.items()),
                key=lambda cause: -cause.share,
            )
        )
        for place in range(len(points))
    ]


def _covariance(weights: Floats, a: Floats, b: Floats) -> Floats:
    """Return the covariance over components of each point, (points,)."""
    return np.asarray(weights @ ((a - weights @ a) * (b - weights @ b)))
