"""Observed log runtimes and groups of curves in, their exact posterior on any cluster out.

Each group holds particles of a mean curve and some residual kernels. Given a particle i and a
kernel r, the log runtimes are a Gaussian process, so with K the kernel plus a free level, y the
observations, m_i the curve and L the Cholesky factor of K + noise

    w_ir ∝ π_i p_r exp(−½ ‖L_r⁻¹ (y − m_i)‖²) / |L_r|
    μ_ir(c) = m_i(c) + k_r(c)ᵀ K_r⁻¹ (y − m_i)

and the predictive is the mixture of these normals; nothing is approximated but the number of
particles (Rasmussen & Williams, Gaussian Processes for Machine Learning, 2.2 and 5.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from isocost.model.kernels import (
    INPUT_SLOPE_MEAN,
    Likeness,
    input_covariance,
    input_variance,
    likeness_of,
)
from isocost.model.mixture import Mixture, joined
from isocost.model.points import Floats, Points

Places = npt.NDArray[np.intp]

# The level of a project's runtimes is anywhere within e^±2 of its first run before that is seen.
LEVEL_SD: Final = 2.0
# Predictions carry so many components. Half are the heaviest; the other half resample the rest,
# since cutting the rest off silences diffuse groups and makes intervals too narrow.
MOST_COMPONENTS: Final = 400
FEW_COMPONENTS: Final = 48
LEAST_WEIGHT: Final = 1e-6
_LEAST_VARIANCE: Final = 1e-8


class Curves(Protocol):
    """Particles of a mean curve of log runtime, up to a level."""

    def __len__(self) -> int: ...

    def at(self, points: Points) -> Floats:
        """Return the curves, (particles, points)."""
        ...

    def memory_part(self, points: Points) -> Floats:
        """Return what of the curves is the memory's doing, (particles, points)."""
        ...

    def take(self, places: Places) -> "Curves":
        """Return some of the particles."""
        ...


class Kernel(Protocol):
    """How much log runtimes have in common beside the curves, the level and the input size."""

    @property
    def multiple(self) -> float:
        """The multiple of `once` that this kernel is."""
        ...

    @property
    def once(self) -> "Kernel":
        """The kernel at a multiple of 1; hashable."""
        ...

    @property
    def noise_multiple(self) -> float:
        """The multiple of all variances of noise that goes with this kernel."""
        ...

    def over(self, likeness: Likeness) -> Floats:
        """Return the covariance, (points of a, points of b)."""
        ...

    def variance(self, points: Points) -> Floats:
        """Return the variance of each point, (points,)."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Particles that share their residual kernels.

    Attributes:
        name: what the group believes, for explanations.
        log_prior: (particles,); over all groups the probabilities sum to 1.
        kernels: each with the logarithm of its probability.
    """

    name: str
    curves: Curves
    log_prior: Floats
    kernels: tuple[tuple[Kernel, float], ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen.

    Attributes:
        points: (runs,) clusters.
        log_s: (runs,) of runtimes in seconds.
        noise_variance: (runs,) of each value.
    """

    points: Points
    log_s: Floats
    noise_variance: Floats


@dataclass(frozen=True, slots=True)
class _Conditioned:
    """One group under one kernel, given what was seen.

    Attributes:
        factor: (runs, runs), L.
        whitened: (runs, particles), L⁻¹ (y − m).
        log_weights: (particles,), not normalised.
        centre: (particles,), what was taken off each curve.
    """

    group: Group
    kernel: Kernel
    factor: Floats
    whitened: Floats
    log_weights: Floats
    centre: Floats


@dataclass(frozen=True, slots=True)
class Component:
    """The particles of one group under one kernel that predictions are made with."""

    conditioned: _Conditioned
    curves: Curves
    places: Places
    weights: Floats


class Posterior:
    """Everything known of one project's runtime; immutable once made."""

    def __init__(
        self,
        groups: Sequence[Group],
        observed: Observed,
        *,
        next_noise_variance: float,
        components: int = MOST_COMPONENTS,
    ) -> None:
        """Condition the groups on what was seen.

        Args:
            groups: of curves.
            observed: one value or more.
            next_noise_variance: of the run to predict, in squared log runtime.
            components: the most that predictions carry.
        """
        self._observed = observed
        self._noise_variance = next_noise_variance
        self._base = float(observed.log_s.mean())
        likeness = likeness_of(observed.points, observed.points)
        conditioned = [
            part
            for group in groups
            for part in _condition_group(group, observed, likeness, base=self._base)
        ]
        weights = _normalised(np.concatenate([part.log_weights for part in conditioned]))
        self._all_weights = weights
        self._conditioned = conditioned
        self._components = _selected(conditioned, weights, components)
        self._few_components = _selected(conditioned, weights, FEW_COMPONENTS)

    @property
    def components(self) -> Sequence[Component]:
        """What predictions are made with, heaviest particles included for certain."""
        return self._components

    @property
    def log_evidence(self) -> float:
        """The logarithm of the probability density of what was seen, up to a constant."""
        logs = np.concatenate([part.log_weights for part in self._conditioned])
        return float(np.logaddexp.reduce(logs))

    def weight_of(self, name: str) -> float:
        """Return the posterior probability of the groups of one name."""
        sizes = [len(part.log_weights) for part in self._conditioned]
        ends = np.cumsum(sizes)
        return float(
            sum(
                self._all_weights[end - size : end].sum()
                for part, size, end in zip(self._conditioned, sizes, ends, strict=True)
                if part.group.name == name
            )
        )

    def predict(self, points: Points) -> Mixture:
        """Return the log runtimes of the next run on some clusters."""
        return self._predict_by(self._components, points)

    def predict_roughly(self, points: Points) -> Mixture:
        """Return about the same as one normal each: to find out which clusters to ask about."""
        mean, sd = self._predict_by(self._few_components, points).moments()
        return Mixture(np.ones(1), mean[None], sd[None])

    def _predict_by(self, components: Sequence[Component], points: Points) -> Mixture:
        # Most of a kernel's work is common to all of them, nearly all to multiples of one.
        seen = self._observed.points
        likeness = likeness_of(seen, points)
        shared = shared_covariance(seen, points)
        once: dict[Kernel, Floats] = {}
        parts = []
        for component in components:
            kernel = component.conditioned.kernel
            if kernel.once not in once:
                once[kernel.once] = kernel.once.over(likeness)
            cross = kernel.multiple * once[kernel.once] + shared
            parts.append(self._predict(component, points, cross))
        return joined(parts)

    def memory_part(self, points: Points) -> Floats:
        """Return by how much memory moves clusters against those seen, (components, points)."""
        seen = self._observed.points
        parts = [
            component.curves.memory_part(points)
            - component.curves.memory_part(seen).mean(axis=1, keepdims=True)
            for component in self._components
        ]
        return np.vstack(parts)

    def _predict(
        self, component: Component, points: Points, cross: Floats
    ) -> tuple[Floats, Floats, Floats]:
        given = component.conditioned
        reduced = solve_triangular(given.factor, cross, lower=True, check_finite=False)
        variance = prior_variance(given.kernel, points) - (reduced**2).sum(axis=0)
        noise = given.kernel.noise_multiple * self._noise_variance
        sd = np.sqrt(np.maximum(variance, _LEAST_VARIANCE) + noise)
        mean = component.curves.at(points)
        mean += INPUT_SLOPE_MEAN * points.log_input
        mean += (self._base - given.centre[component.places])[:, None]
        mean += given.whitened[:, component.places].T @ reduced
        return component.weights, mean, sd[None]


def _condition_group(
    group: Group, observed: Observed, likeness: Likeness, *, base: float
) -> list[_Conditioned]:
    curves = group.curves.at(observed.points) + INPUT_SLOPE_MEAN * observed.points.log_input
    # With the level next to free, only a curve's shape should count as evidence.
    centre = curves.mean(axis=1)
    misfit = (observed.log_s - base)[None] - (curves - centre[:, None])
    shared = shared_covariance(observed.points, observed.points)
    noise = np.diag(observed.noise_variance)
    conditioned = []
    for kernel, log_probability in group.kernels:
        covariance = kernel.over(likeness) + shared + kernel.noise_multiple * noise
        factor = np.asarray(np.linalg.cholesky(covariance), float)
        whitened = solve_triangular(factor, misfit.T, lower=True, check_finite=False)
        log_density = -0.5 * (whitened**2).sum(axis=0) - np.log(np.diag(factor)).sum()
        log_weights = group.log_prior + log_probability + log_density
        conditioned.append(_Conditioned(group, kernel, factor, whitened, log_weights, centre))
    return conditioned


def shared_covariance(a: Points, b: Points) -> Floats:
    """Return what all kernels have in common: the level and the input size."""
    # A change of the program moves the level to anywhere and leaves the shape.
    level = LEVEL_SD**2 * (a.epoch[:, None] == b.epoch[None, :])
    return np.asarray(input_covariance(a, b) + level)


def prior_variance(kernel: Kernel, points: Points) -> Floats:
    """Return the variance of each point before anything is seen, (points,)."""
    one = input_variance(points)
    return np.asarray(kernel.variance(points) + one + LEVEL_SD**2)


def _normalised(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def _selected(conditioned: Sequence[_Conditioned], weights: Floats, most: int) -> list[Component]:
    places, kept = resampled(weights, most)
    sizes = np.array([len(part.log_weights) for part in conditioned])
    ends = np.cumsum(sizes)
    owner = np.searchsorted(ends, places, side="right")
    components = []
    for index, part in enumerate(conditioned):
        mine = np.flatnonzero(owner == index)
        if len(mine):
            own = places[mine] - (ends[index] - sizes[index])
            curves = part.group.curves.take(own)
            components.append(Component(part, curves, own, kept[mine]))
    return components


def resampled(weights: Floats, most: int) -> tuple[Places, Floats]:
    """Return places and weights of at most `most` particles that stand for all.

    The heaviest half is kept as it is and the rest resampled systematically, so no part of the
    distribution is lost in expectation.
    """
    if len(weights) <= most:
        places = np.flatnonzero(weights > LEAST_WEIGHT)
        return places, weights[places]
    half = most // 2
    heaviest = np.argpartition(-weights, half)[:half]
    is_rest = np.ones(len(weights), dtype=bool)
    is_rest[heaviest] = False
    rest = np.flatnonzero(is_rest)
    mass = float(weights[rest].sum())
    kept = weights[heaviest]
    places = heaviest
    if mass > most * LEAST_WEIGHT:
        places = np.concatenate([heaviest, rest[systematic(weights[rest], most - half)]])
        kept = np.concatenate([kept, np.full(most - half, mass / (most - half))])
    is_kept = kept > LEAST_WEIGHT
    return places[is_kept], kept[is_kept]


def systematic(weights: Floats, count: int) -> Places:
    """Return `count` places drawn in proportion to weights, at even steps: no luck is involved."""
    steps = (np.arange(count) + 0.5) / count
    drawn = np.searchsorted(np.cumsum(weights) / weights.sum(), steps)
    return np.minimum(drawn, len(weights) - 1)
