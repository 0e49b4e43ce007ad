"""A posterior and one cluster in; why its prediction is not certain, by shares, out.

The variance of a mixture is that within its components and that between them. Within: the noise
of runs, and what curves leave unexplained. Between: curves that differ in memory, in scale-out, or
in both, told apart by the covariance of the memory part with the whole.
"""

from typing import Final

from isocost.domain.recommendation import Cause
from isocost.model.points import Floats, Points
from isocost.model.posterior import Posterior

NOISE: Final = "run-to-run noise"
UNEXPLAINED: Final = "what no curve explains"
MEMORY: Final = "memory"
SCALE_OUT: Final = "scaling with cores and nodes"


def causes_of(posterior: Posterior, point: Points, *, noise_variance: float) -> tuple[Cause, ...]:
    """Return the causes of uncertainty of one cluster, the largest first.

    Args:
        posterior: of the project.
        point: one cluster.
        noise_variance: of runs, in squared log runtime.
    """
    mixture = posterior.predict(point)
    weights, mean = mixture.weights, mixture.mean[:, 0]
    within = float(weights @ mixture.sd[:, 0] ** 2)
    between = _variance(weights, mean)
    memory = posterior.memory_part(point)
    shared = _covariance(weights, mean, memory) / between if between > 0 else 0.0
    from_memory = between * min(1.0, max(0.0, shared))
    noise = min(noise_variance, within)
    parts = {
        NOISE: noise,
        UNEXPLAINED: within - noise,
        MEMORY: from_memory,
        SCALE_OUT: between - from_memory,
    }
    total = sum(parts.values())
    causes = (Cause(name, part / total) for name, part in parts.items())
    return tuple(sorted(causes, key=lambda cause: -cause.share))


def _variance(weights: Floats, values: Floats) -> float:
    return _covariance(weights, values, values)


def _covariance(weights: Floats, a: Floats, b: Floats) -> float:
    return float(weights @ ((a - weights @ a) * (b - weights @ b)))
