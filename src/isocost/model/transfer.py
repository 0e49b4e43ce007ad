"""Histories of other projects in; what they teach a new one, out.

The same program at another input size shares its curve's parameters, its working set scaled with
the input. Other programs share only what belongs to the hardware and to curves in general: how
much faster cores help, how often memory bends the curve, how far jobs stray from physics. Their
profiles themselves are not mixed in as curves: on Scout's data that makes the search worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.domain.cluster import NodeType
from isocost.model import physics
from isocost.model.cells import Cell, cells_of, is_timed, newest_input_bytes, observed_of
from isocost.model.groups import (
    Beliefs,
    PhysicsCurves,
    physics_curves,
    physics_group,
    power_group,
    uniform,
)
from isocost.model.history import Observation, Transfer
from isocost.model.noise import RUN_SD
from isocost.model.points import Floats, Scale, scale_of
from isocost.model.posterior import Group, Observed, Posterior, systematic

SIBLING_PARTICLES: Final = 800
# How far the parameters move between input sizes, beyond the working set that moves with them.
PARAMETER_JITTER: Final = 0.25
SPEED_GAIN_JITTER: Final = 0.1
# Where input sizes are not known, the working set may have moved by a factor of two or so.
UNKNOWN_RATIO_LOG_SD: Final = 0.7
# What the built-in beliefs are worth, in programs.
PRIOR_PROGRAMS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sibling:
    """Runs of the same program at other input sizes.

    Attributes:
        observed: as seen from the project's newest run.
        is_ratio_known: whether both input sizes are.
    """

    observed: Observed
    is_ratio_known: bool


@dataclass(frozen=True, slots=True)
class Learned:
    """What a transfer amounts to, before a project asks.

    Attributes:
        beliefs: of any program.
        same_program: runs of the same program that say something of the runtime.
        node_types: that these runs name.
    """

    beliefs: Beliefs
    same_program: Sequence[Observation] = ()
    node_types: Sequence[NodeType] = ()

    def sibling(self, input_bytes: float | None) -> Sibling | None:
        """Return the same program's runs as seen from a run that reads so much, if any."""
        if not self.same_program:
            return None
        cells = _cells(self.same_program, input_bytes)
        is_known = input_bytes is not None and all(o.input_bytes for o in self.same_program)
        return Sibling(observed_of(cells, self.node_types, run_sd=RUN_SD), is_known)


NOTHING_LEARNED: Final = Learned(Beliefs())


def learn(transfer: Transfer) -> Learned:
    """Return what other projects' histories teach."""
    others = []
    for history in transfer.other_programs:
        cells = _cells(history, newest_input_bytes(history))
        if cells:
            observed = observed_of(cells, transfer.node_types, run_sd=RUN_SD)
            others.append((observed, scale_of(observed.points)))
    same = [o for history in transfer.same_program for o in history if is_timed(o)]
    return Learned(shared_beliefs(others), same, transfer.node_types)


def _cells(history: Sequence[Observation], input_bytes: float | None) -> list[Cell]:
    return cells_of(history, [0] * len(history), input_bytes=input_bytes)


def sibling_group(sibling: Sibling, scale: Scale, beliefs: Beliefs, *, mass: float) -> Group:
    """Return the particles that the same program's runs leave, jittered."""
    prior = physics_curves(scale, beliefs)
    group = physics_group(prior, beliefs, mass=1.0)
    posterior = Posterior([group], sibling.observed, next_noise_variance=0.0)
    places = np.concatenate([part.places for part in posterior.components])
    weights = np.concatenate([part.weights for part in posterior.components])
    drawn = places[systematic(weights, SIBLING_PARTICLES)]
    random = np.random.default_rng(len(sibling.observed.log_s))
    particles = _jittered(prior.particles.take(drawn), sibling, random)
    return Group(
        "same program",
        PhysicsCurves(particles, scale),
        uniform(SIBLING_PARTICLES, mass),
        beliefs.kernels,
    )


def shared_beliefs(others: Sequence[tuple[Observed, Scale]]) -> Beliefs:
    """Return what other programs leave of the built-in beliefs.

    Each belief is the mean of the posteriors of all programs, with the built-in one counted as
    `PRIOR_PROGRAMS` of them.

    Args:
        others: the runs of each program and the scale of its candidate space.
    """
    built_in = Beliefs()
    if not others:
        return built_in
    learned = [_beliefs_of(observed, scale) for observed, scale in others]

    def pooled(own: float, told: Sequence[float]) -> float:
        return (PRIOR_PROGRAMS * own + sum(told)) / (PRIOR_PROGRAMS + len(told))

    mean, sd = built_in.speed_gain
    return Beliefs(
        physics_mass=pooled(built_in.physics_mass, [b.physics_mass for b in learned]),
        has_cliff=pooled(built_in.has_cliff, [b.has_cliff for b in learned]),
        speed_gain=(pooled(mean, [b.speed_gain[0] for b in learned]), sd),
        residual=tuple(
            (multiple, pooled(probability, [b.residual[place][1] for b in learned]))
            for place, (multiple, probability) in enumerate(built_in.residual)
        ),
    )


def _beliefs_of(observed: Observed, scale: Scale) -> Beliefs:
    """Return the posterior of one program in the shape of beliefs."""
    prior = Beliefs()
    curves = physics_curves(scale, prior)
    mass = prior.physics_mass
    groups = [physics_group(curves, prior, mass=mass), power_group(mass=1.0 - mass)]
    posterior = Posterior(groups, observed, next_noise_variance=0.0)
    parts = [part for part in posterior.components if part.conditioned.group is groups[0]]
    if not parts:
        return replace(prior, physics_mass=0.0)
    places = np.concatenate([part.places for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    weights = weights / weights.sum()
    by_multiple = dict.fromkeys((multiple for multiple, _ in prior.residual), 0.0)
    total = sum(float(part.weights.sum()) for part in parts)
    for part in parts:
        by_multiple[part.conditioned.kernel.multiple] += float(part.weights.sum()) / total
    gain = float(weights @ curves.particles.speed_gain[places])
    return Beliefs(
        physics_mass=posterior.weight_of("physics"),
        has_cliff=float(weights @ curves.particles.has_cliff[places]),
        speed_gain=(gain, prior.speed_gain[1]),
        residual=tuple(by_multiple.items()),
    )


def _jittered(
    particles: physics.Parameters, sibling: Sibling, random: np.random.Generator
) -> physics.Parameters:
    def moved(values: Floats, sd: float) -> Floats:
        return values + random.normal(0.0, sd, len(values))

    memory_sd = PARAMETER_JITTER if sibling.is_ratio_known else UNKNOWN_RATIO_LOG_SD
    return replace(
        particles,
        log_serial=moved(particles.log_serial, PARAMETER_JITTER),
        log_overhead=moved(particles.log_overhead, PARAMETER_JITTER),
        log_node_io=moved(particles.log_node_io, PARAMETER_JITTER),
        speed_gain=moved(particles.speed_gain, SPEED_GAIN_JITTER),
        log_working_set=moved(particles.log_working_set, memory_sd),
        log_height=moved(particles.log_height, PARAMETER_JITTER),
    )
