"""Scale of a candidate space and what is known of a program in, groups of curves out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.model import physics
from isocost.model.kernels import ResidualKernel
from isocost.model.points import Floats, Points, Scale
from isocost.model.posterior import Group, Places

PARTICLES: Final = 2500
# Seeds the particles, so that the same history always gets the same answer.
SEED: Final = 20_24
# Curves of this physics leave 3 to 22 % (rms of log runtime) unexplained in Scout's data set. The
# parts below add up to 18 %; the multiples make 4, 9 and 18 % of that, and twice as much for jobs
# unlike those.
RESIDUAL: Final = ResidualKernel(0.10, 0.12, 0.05, 0.05, 0.06)
RESIDUAL_MULTIPLES: Final = ((0.06, 0.25), (0.25, 0.35), (1.0, 0.3), (4.0, 0.1))
# For jobs that follow no physics of ours: a power law of the cores, and wide residuals.
BROAD: Final = ResidualKernel(0.15, 0.30, 0.08, 0.08, 0.10, memory=0.35)
BROAD_MULTIPLES: Final = ((0.5, 0.5), (1.5, 0.5))
POWERS: Final = (-0.1, -0.3, -0.5, -0.7, -0.85, -1.0)


@dataclass(frozen=True, slots=True)
class PhysicsCurves:
    """Curves of `physics`, see there."""

    particles: physics.Parameters
    scale: Scale

    def __len__(self) -> int:
        return len(self.particles)

    def at(self, points: Points) -> Floats:
        """Return the curves, (particles, points)."""
        return physics.log_runtime(self.particles, points, self.scale)

    def memory_part(self, points: Points) -> Floats:
        """Return the memory cliff, (particles, points)."""
        return physics.log_cliff(self.particles, points)

    def take(self, places: Places) -> "PhysicsCurves":
        """Return some of the particles."""
        return PhysicsCurves(self.particles.take(places), self.scale)


@dataclass(frozen=True, slots=True)
class PowerCurves:
    """Runtimes that follow a power of the cores.

    Attributes:
        powers: (particles,).
    """

    powers: Floats

    def __len__(self) -> int:
        return len(self.powers)

    def at(self, points: Points) -> Floats:
        """Return the curves, (particles, points)."""
        return np.outer(self.powers, np.log(points.cores))

    def memory_part(self, points: Points) -> Floats:
        """Return zeros: a power law knows no memory, (particles, points)."""
        return np.zeros((len(self), len(points)))

    def take(self, places: Places) -> "PowerCurves":
        """Return some of the particles."""
        return PowerCurves(self.powers[places])


def multiples(
    kernel: ResidualKernel, of: Sequence[tuple[float, float]]
) -> tuple[tuple[ResidualKernel, float], ...]:
    """Return the kernel at some multiples of its variance, with their log probabilities."""
    return tuple(
        (replace(kernel, multiple=multiple), float(np.log(probability)))
        for multiple, probability in of
    )


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What is believed of any program before its first run.

    Attributes:
        physics_mass: probability that it follows physics, against the power law.
        has_cliff: probability that memory bends its curve.
        speed_gain: mean and sd of how much a faster core helps.
        residual: multiples of the residual kernel with their probabilities.
    """

    physics_mass: float = 0.85
    has_cliff: float = physics.HAS_CLIFF
    speed_gain: tuple[float, float] = physics.SPEED_GAIN
    residual: tuple[tuple[float, float], ...] = RESIDUAL_MULTIPLES

    @property
    def kernels(self) -> tuple[tuple[ResidualKernel, float], ...]:
        """The residual kernels of all groups but the power law."""
        return multiples(RESIDUAL, self.residual)


def physics_curves(
    scale: Scale, beliefs: Beliefs, *, working_set_gib: float | None = None
) -> PhysicsCurves:
    """Return the particles of the physics prior."""
    random = np.random.default_rng(SEED)
    particles = physics.draw(PARTICLES, scale, random)
    mean, sd = beliefs.speed_gain
    prior_mean, prior_sd = physics.SPEED_GAIN
    particles = replace(
        particles,
        speed_gain=mean + sd * (particles.speed_gain - prior_mean) / prior_sd,
        has_cliff=(random.random(PARTICLES) < beliefs.has_cliff).astype(np.float64),
    )
    if working_set_gib is not None:
        particles = physics.with_working_set(particles, working_set_gib, random)
    return PhysicsCurves(particles, scale)


def physics_group(curves: PhysicsCurves, beliefs: Beliefs, *, mass: float) -> Group:
    """Return the group of a program that nothing else is known of."""
    return Group("physics", curves, uniform(len(curves), mass), beliefs.kernels)


def power_group(*, mass: float) -> Group:
    """Return the group for jobs that follow no physics of ours."""
    return Group(
        "power law",
        PowerCurves(np.array(POWERS)),
        uniform(len(POWERS), mass),
        multiples(BROAD, BROAD_MULTIPLES),
    )


def uniform(count: int, mass: float) -> Floats:
    """Return the log prior of particles that share a mass evenly, (particles,)."""
    return np.full(count, np.log(mass / count))
