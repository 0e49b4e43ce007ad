"""Runtime curves from the physics of a Spark cluster: parameters in, log runtimes on clusters out.

    t(c) = A · [ C₀/(C φ^α) + e^u₃ n₀/n + e^u₁ + e^u₂ C/C₀ ] · [ 1 + b κ σ((log W − log M)/ω) ]

with C cores, n nodes, φ the speed of a core and M the usable memory; the four terms are work that
parallelises, input and output per node, the serial part, and what every further core costs. The
second bracket is the memory cliff: below the working set W, runs recompute and spill. C₀ and n₀
are the middle of the candidate space. The level A is left to the posterior.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.model.points import Floats, Points, Scale

# Priors on the logarithms, relative to the work at the middle of the space: mean and sd. Two sd
# either way, the serial part is between 1 % of that work and all of it, what all cores together
# cost between 0.2 and 25 %, input and output between 0.6 and 40 %. These are beliefs about Spark
# jobs, about the means of a sensitivity study on Scout's data, where widths of 0.7 to 1.3 times
# its own made no difference beyond chance; 0.7 was taken after a look at intervals' coverage.
SERIAL: Final = (float(np.log(0.10)), 1.1)
OVERHEAD: Final = (float(np.log(0.02)), 1.25)
NODE_IO: Final = (float(np.log(0.05)), 1.05)
# How much of a faster core a job gains: between none and all of it, mostly about two thirds, as
# spark tasks also wait for disk and network. c4 against m4 nodes: CoreMark +19 %, jobs 12 ± 8 %.
SPEED_GAIN: Final = (0.65, 0.40)
# A cliff that triples the runtime is usual, one of ten times happens.
CLIFF_HEIGHT: Final = (float(np.log(1.5)), 0.8)
CLIFF_WIDTH: Final = (float(np.log(0.12)), 0.8)
CLIFF_WIDTH_RANGE: Final = (float(np.log(0.02)), 0.0)
HAS_CLIFF: Final = 0.5  # half of all programs in the published studies of Scout's data have one
# A measured working set: its own error of a few percent, and how far from it runtimes bend.
WORKING_SET_LOG_SD: Final = 0.3
# The bend's middle lies below the memory in which everything fits; 1.1 is the reserve that Ruya
# (Will et al., IEEE BigData 2022) adds to what it measured.
WORKING_SET_RESERVE: Final = 1.1
MEASUREMENT_FAILS: Final = 0.05  # the measured working set is not the one that bends the curve
LARGEST_EXPONENT: Final = 40.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """Particles of the curve's parameters; every array has the shape (particles,).

    Attributes:
        has_cliff: 1.0 or 0.0.
        log_working_set: of GiB.
    """

    log_serial: Floats
    log_overhead: Floats
    log_node_io: Floats
    speed_gain: Floats
    has_cliff: Floats
    log_working_set: Floats
    log_height: Floats
    log_width: Floats

    def __len__(self) -> int:
        return len(self.log_serial)

    def take(self, places: np.ndarray[tuple[int], np.dtype[np.intp]]) -> "Parameters":
        """Return some of the particles."""
        return Parameters(*(column[places] for column in self.columns()))

    def columns(self) -> tuple[Floats, ...]:
        """Return all arrays, in the order of the attributes."""
        return (
            self.log_serial,
            self.log_overhead,
            self.log_node_io,
            self.speed_gain,
            self.has_cliff,
            self.log_working_set,
            self.log_height,
            self.log_width,
        )


def draw(count: int, scale: Scale, random: np.random.Generator) -> Parameters:
    """Return particles of the prior; the working set is anywhere in the space's memory."""
    low, high = np.log(scale.least_gib), np.log(scale.most_gib)
    return Parameters(
        log_serial=random.normal(*SERIAL, count),
        log_overhead=random.normal(*OVERHEAD, count),
        log_node_io=random.normal(*NODE_IO, count),
        speed_gain=random.normal(*SPEED_GAIN, count),
        has_cliff=(random.random(count) < HAS_CLIFF).astype(np.float64),
        log_working_set=random.uniform(low, high, count),
        log_height=random.normal(*CLIFF_HEIGHT, count),
        log_width=np.clip(random.normal(*CLIFF_WIDTH, count), *CLIFF_WIDTH_RANGE),
    )


def with_working_set(
    particles: Parameters, working_set_gib: float, random: np.random.Generator
) -> Parameters:
    """Return particles that know a measured working set, 0.0 meaning that none bends the curve.

    The few that do not believe it stay as they are.
    """
    count = len(particles)
    believes = random.random(count) >= MEASUREMENT_FAILS
    if working_set_gib <= 0:
        return replace(particles, has_cliff=np.where(believes, 0.0, particles.has_cliff))
    middle = np.log(working_set_gib / WORKING_SET_RESERVE)
    measured = random.normal(middle, WORKING_SET_LOG_SD, count)
    return replace(
        particles,
        has_cliff=np.where(believes, 1.0, particles.has_cliff),
        log_working_set=np.where(believes, measured, particles.log_working_set),
    )


def log_scale_out(particles: Parameters, points: Points, scale: Scale) -> Floats:
    """Return the logarithm of the first bracket, (particles, points)."""
    log_speed = np.log(points.speed)
    work = np.exp(-np.outer(particles.speed_gain, log_speed)) * (scale.cores / points.cores)
    work += np.outer(np.exp(particles.log_node_io), scale.nodes / points.nodes)
    work += np.outer(np.exp(particles.log_overhead), points.cores / scale.cores)
    work += np.exp(particles.log_serial)[:, None]
    return np.asarray(np.log(work, out=work))


def log_cliff(particles: Parameters, points: Points) -> Floats:
    """Return the logarithm of the second bracket, (particles, points).

    The working set grows with the input: W is that of the newest run's input size.
    """
    height = particles.has_cliff * np.exp(particles.log_height)
    cliff = np.zeros((len(particles), len(points)))
    some = np.flatnonzero(height)
    room = points.log_input - np.log(points.usable_gib)
    missing = particles.log_working_set[some, None] + room[None]
    missing /= np.exp(particles.log_width[some])[:, None]
    np.clip(missing, -LARGEST_EXPONENT, LARGEST_EXPONENT, out=missing)
    cliff[some] = np.log1p(height[some, None] / (1.0 + np.exp(-missing)))
    return cliff


def log_runtime(particles: Parameters, points: Points, scale: Scale) -> Floats:
    """Return log t(c) less log A, (particles, points)."""
    curve = log_scale_out(particles, points, scale)
    curve += log_cliff(particles, points)
    return curve
