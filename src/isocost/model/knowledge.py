"""Everything known of a program before its own runs count in, its groups of curves out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.model.groups import (
    RESIDUAL,
    Beliefs,
    PhysicsCurves,
    multiples,
    physics_curves,
    physics_group,
    power_group,
    uniform,
)
from isocost.model.log_evidence import MemoryEvidence
from isocost.model.physics import Parameters
from isocost.model.points import Scale
from isocost.model.posterior import Group
from isocost.model.replayed import ReplayCurve, draw_about_replay
from isocost.model.transfer import Sibling, sibling_group

# With runs of the same program at another size: what was reached on Scout's data with these was
# not sensitive to them. The rest goes to the power law.
SIBLING_MASS: Final = 0.45
PHYSICS_MASS_BESIDE_SIBLING: Final = 0.35
# An event log's own replay, against anything that does not know the program's stages.
REPLAY_SHARE: Final = 0.7
REPLAY_PARTICLES: Final = 600
# What an event log's replay leaves is smaller than what physics does: about 10 % in all.
REPLAY_MULTIPLES: Final = ((0.06, 0.4), (0.25, 0.4), (1.0, 0.2))
# A working set that is larger than the memory which everything was seen to fit into.
CONTRADICTED: Final = 0.05
# Spilling to a fast local disk often costs next to nothing.
SPILL_COSTS_NOTHING: Final = 0.3


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of a program.

    Attributes:
        beliefs: of any program.
        memory: what runs say of the working set.
        cpu_share: of spark task time, on the processor; None where it is not known.
        replays: of runs with an event log, the newest last.
        sibling: runs of the same program at other sizes.
    """

    beliefs: Beliefs
    memory: MemoryEvidence
    cpu_share: float | None = None
    replays: Sequence[ReplayCurve] = ()
    sibling: Sibling | None = None


def groups_of(knowledge: Knowledge, scale: Scale) -> list[Group]:
    """Return the groups of curves that a project's runs will choose among."""
    beliefs, memory = knowledge.beliefs, knowledge.memory
    curves = physics_curves(scale, beliefs, working_set_gib=memory.measured_gib)
    masses = _masses(knowledge)
    physics = physics_group(curves, beliefs, mass=masses.physics)
    groups = [
        _bounded(physics, curves.particles, memory),
        power_group(mass=masses.power),
    ]
    if knowledge.sibling is not None:
        groups.append(sibling_group(knowledge.sibling, scale, beliefs, mass=masses.sibling))
    share = masses.replay / max(1, len(knowledge.replays))
    groups += [_replay_group(curve, curves, knowledge, mass=share) for curve in knowledge.replays]
    return groups


@dataclass(frozen=True, slots=True)
class _Masses:
    """Probabilities of the groups; they sum to 1."""

    physics: float
    power: float
    sibling: float
    replay: float


def _masses(knowledge: Knowledge) -> _Masses:
    rest = 1.0 - REPLAY_SHARE if knowledge.replays else 1.0
    physics, sibling = knowledge.beliefs.physics_mass, 0.0
    if knowledge.sibling is not None:
        physics, sibling = PHYSICS_MASS_BESIDE_SIBLING, SIBLING_MASS
    power = 1.0 - physics - sibling
    return _Masses(rest * physics, rest * power, rest * sibling, 1.0 - rest)


def _replay_group(
    curve: ReplayCurve, curves: PhysicsCurves, knowledge: Knowledge, *, mass: float
) -> Group:
    places = np.arange(REPLAY_PARTICLES)
    cliff = curves.particles.take(places)
    random = np.random.default_rng(REPLAY_PARTICLES)
    replayed = draw_about_replay(curve, cliff, random, cpu_share=knowledge.cpu_share)
    prior = uniform(REPLAY_PARTICLES, mass)
    group = Group("event log", replayed, prior, multiples(RESIDUAL, REPLAY_MULTIPLES))
    return _bounded(group, cliff, knowledge.memory)


def _bounded(group: Group, cliff: Parameters, memory: MemoryEvidence) -> Group:
    """Return the group with particles made unlikely that contradict what fitted and what not."""
    doubt = np.zeros(len(cliff))
    if memory.fits_gib is not None:
        is_above = cliff.log_working_set > np.log(memory.fits_gib)
        doubt[(cliff.has_cliff > 0) & is_above] += np.log(CONTRADICTED)
    if memory.exceeds_gib is not None:
        is_below = cliff.log_working_set < np.log(memory.exceeds_gib)
        doubt[(cliff.has_cliff == 0) | is_below] += np.log(SPILL_COSTS_NOTHING)
    moved = group.log_prior + doubt
    mass = np.logaddexp.reduce(group.log_prior) - np.logaddexp.reduce(moved)
    return replace(group, log_prior=moved + mass)
