"""Curves over clusters in; the same for runs with inputs, and what strays from them together, out.

    log t = curve(cluster) + Σ_d β_d x_d + g(x) + h(hardware)

where x are the logarithms of cores and input size and the inputs' coordinates, β normal slopes of
the inputs, g a Gaussian process with a Matérn 5/2 kernel of a length for each axis (ARD), and h
the residual kernel's part that has to do with the node type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from isocost.model.kernels import Likeness, ResidualKernel
from isocost.model.points import Floats, Points
from isocost.model.posterior import Curves, Places

# What the node type changes beyond that, as for jobs that follow no physics.
HARDWARE: Final = ResidualKernel(0.15, 0.0, 0.08, 0.08, 0.0)


@dataclass(frozen=True, slots=True)
class InputKernel:
    """The covariance of the law above.

    Attributes:
        slope_sd: of each input; the input size has its own in every kernel.
        amplitude: sd of g.
        lengths: of cores, input size and each input.
        noise_multiple: of all variances of noise.
    """

    slope_sd: tuple[float, ...]
    amplitude: float
    lengths: tuple[float, ...]
    noise_multiple: float
    multiple: float = field(default=1.0, init=False)

    @property
    def once(self) -> "InputKernel":
        """The kernel itself; no kernel is a multiple of another."""
        return self

    def over(self, likeness: Likeness) -> Floats:
        """Return the covariance, (points of a, points of b)."""
        axes = len(self.slope_sd)
        a, b = coordinates_of(likeness.a, axes), coordinates_of(likeness.b, axes)
        total = linear_covariance(self.slope_sd, likeness.a, likeness.b)
        total += HARDWARE.over(likeness)
        root = np.sqrt(5.0 * squared_distances(a, b, self.lengths))
        total += self.amplitude**2 * (1.0 + root + root * root / 3.0) * np.exp(-root)
        return np.asarray(total)

    def variance(self, points: Points) -> Floats:
        """Return the variance of each point, (points,)."""
        linear = ((inputs_of(points, len(self.slope_sd)) * self.slope_sd) ** 2).sum(axis=1)
        return np.asarray(linear + self.amplitude**2 + HARDWARE.variance(points))


@dataclass(frozen=True, slots=True)
class InputCurves:
    """Curves over clusters, moved by the inputs at the mean of their slopes.

    Attributes:
        clusters: the curves that know nothing of inputs.
        slopes: (axes,).
    """

    clusters: Curves
    slopes: Floats

    def __len__(self) -> int:
        return len(self.clusters)

    def at(self, points: Points) -> Floats:
        """Return the curves, (particles, points)."""
        return self.clusters.at(points) + inputs_of(points, len(self.slopes)) @ self.slopes

    def memory_part(self, points: Points) -> Floats:
        """Return what of the curves is the memory's doing, (particles, points)."""
        return self.clusters.memory_part(points)

    def take(self, places: Places) -> "InputCurves":
        """Return some of the particles."""
        return InputCurves(self.clusters.take(places), self.slopes)


def inputs_of(points: Points, axes: int) -> Floats:
    """Return the coordinates of inputs, (points, axes); clusters alone are at the next run's."""
    return points.inputs if points.inputs.shape[1] else np.zeros((len(points), axes))


def coordinates_of(points: Points, axes: int) -> Floats:
    """Return x, (points, 2 + axes)."""
    return np.column_stack([np.log(points.cores), points.log_input, inputs_of(points, axes)])


def linear_covariance(slope_sd: Sequence[float], a: Points, b: Points) -> Floats:
    """Return what the slopes of the inputs add, (points of a, points of b)."""
    sd = np.array(slope_sd)
    return np.asarray((inputs_of(a, len(sd)) * sd) @ (inputs_of(b, len(sd)) * sd).T)


def squared_distances(a: Floats, b: Floats, lengths: tuple[float, ...]) -> Floats:
    """Return (points of a, points of b)."""
    a, b = a / lengths, b / lengths
    apart = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2.0 * a @ b.T
    return np.asarray(np.maximum(apart, 0.0))
