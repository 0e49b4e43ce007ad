"""An observed run with its event log in; curves of the runtime on other clusters out.

The replay of the log gives the scale-out shape and the serial part, in place of the first bracket
of `physics`; what it leaves out are parameters of the particles:

    log t(c) = log A + h(slots) + ζ s(slots) + β · x(c) − γ b log φ + log cliff(c)

with h the logarithm of the replayed runtime, s how far it may be off, β what `growth` says spark
tasks share beyond the replay, γ the processor's share of their time, b the share of the runtime
in which they ran, and φ the speed of a core.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of
from isocost.domain.profile import RunProfile
from isocost.model import growth, physics
from isocost.model.plan import plan_from_profile
from isocost.model.points import Floats, Points
from isocost.model.posterior import Places
from isocost.model.runtime import ClusterShape, ObservedRun

# The replay is computed at so many slot counts over the space, and interpolated between them. On
# ten real logs from 4 to 1024 slots the interpolation is off by 0 to 1.3 % in the median of each
# log, and by no less with twice as many: what is left are the steps from one wave to the next.
KNOTS: Final = 9
# The log's own share of processor time says how much a faster core helps, to within this.
SPEED_GAIN_SD: Final = 0.15
_GROWTH_MEAN: Final = (
    growth.SLOT_GROWTH_MEAN,
    growth.EXECUTOR_GROWTH_MEAN,
    growth.MEMORY_GROWTH_MEAN,
)
_GROWTH_SD: Final = (growth.SLOT_GROWTH_SD, growth.EXECUTOR_GROWTH_SD, growth.MEMORY_GROWTH_SD)


@dataclass(frozen=True, slots=True)
class ReplayCurve:
    """The replay of one run over slot counts; every array is (knots,).

    Attributes:
        log_slots: of the knots, ascending.
        log_s: of the runtime.
        log_sd: how far the replay may be off.
        busy: the first feature of `growth`.
        slots_per_core: spark tasks one core runs at once.
        busy_share: part of the runtime in which spark tasks ran.
        executor_count, node_memory_gib: of the run itself.
    """

    log_slots: Floats
    log_s: Floats
    log_sd: Floats
    busy: Floats
    slots_per_core: float
    busy_share: float
    executor_count: int
    node_memory_gib: float

    def slots_of(self, points: Points) -> Floats:
        """Return the logarithm of each cluster's slots, (points,)."""
        return np.asarray(np.log(np.maximum(1.0, np.floor(points.cores * self.slots_per_core))))

    def features(self, points: Points) -> Floats:
        """Return x, (3, points)."""
        return np.vstack([
            np.interp(self.slots_of(points), self.log_slots, self.busy),
            self.busy_share * np.log(points.nodes / self.executor_count),
            np.log(points.node_memory_gib / self.node_memory_gib),
        ])


def replay_curve(run: ObservedRun, points: Points, slots_per_core: float) -> ReplayCurve:
    """Return the replay of a run over the slot counts of a candidate space and its own."""
    slots = np.append(np.maximum(1.0, np.floor(points.cores * slots_per_core)), run.slot_count)
    wanted = np.unique(slots.astype(int))
    if len(wanted) > KNOTS:
        spread = np.round(np.geomspace(wanted[0], wanted[-1], KNOTS)).astype(int)
        wanted = np.unique(np.append(spread, run.slot_count))
    by_slots = {s.slot_count: s for s in (_resized(run.shape, int(count)) for count in wanted)}
    told = [run.replay_on(by_slots[count]) for count in sorted(by_slots)]
    return ReplayCurve(
        log_slots=np.log(sorted(by_slots)),
        log_s=np.array([replayed.log_s for replayed in told]),
        log_sd=np.array([replayed.log_sd for replayed in told]),
        busy=np.array([replayed.features[0] for replayed in told]),
        slots_per_core=slots_per_core,
        busy_share=run.busy_share,
        executor_count=run.shape.executor_count,
        node_memory_gib=run.shape.memory_gib,
    )


@dataclass(frozen=True, slots=True)
class ReplayParticles:
    """What the replay leaves open; see the equation above.

    Attributes:
        growth: (particles, 3), β.
        doubt: (particles,), ζ.
        speed_gain: (particles,), γ.
        cliff: of the memory; the other parameters of `physics` are not used.
    """

    growth: Floats
    doubt: Floats
    speed_gain: Floats
    cliff: physics.Parameters


@dataclass(frozen=True, slots=True)
class ReplayCurves:
    """Particles about the replay of one run."""

    curve: ReplayCurve
    particles: ReplayParticles

    def __len__(self) -> int:
        return len(self.particles.doubt)

    def at(self, points: Points) -> Floats:
        """Return the curves, (particles, points)."""
        mine, curve = self.particles, self.curve
        slots = curve.slots_of(points)
        total = mine.growth @ curve.features(points)
        total += np.interp(slots, curve.log_slots, curve.log_s)
        total += np.outer(mine.doubt, np.interp(slots, curve.log_slots, curve.log_sd))
        total -= curve.busy_share * np.outer(mine.speed_gain, np.log(points.speed))
        total += physics.log_cliff(mine.cliff, points)
        return np.asarray(total)

    def memory_part(self, points: Points) -> Floats:
        """Return the memory cliff, (particles, points)."""
        return physics.log_cliff(self.particles.cliff, points)

    def take(self, places: Places) -> "ReplayCurves":
        """Return some of the particles."""
        mine = self.particles
        taken = ReplayParticles(
            mine.growth[places],
            mine.doubt[places],
            mine.speed_gain[places],
            mine.cliff.take(places),
        )
        return ReplayCurves(self.curve, taken)


def draw_about_replay(
    curve: ReplayCurve,
    cliff: physics.Parameters,
    random: np.random.Generator,
    *,
    cpu_share: float | None,
) -> ReplayCurves:
    """Return as many particles as `cliff` has.

    Args:
        curve: of one run.
        cliff: particles of the memory cliff.
        random: seeded.
        cpu_share: of spark task time, on the processor; None where it is not known.
    """
    count = len(cliff)
    gain = physics.SPEED_GAIN if cpu_share is None else (cpu_share, SPEED_GAIN_SD)
    particles = ReplayParticles(
        growth=random.normal(_GROWTH_MEAN, _GROWTH_SD, (count, 3)),
        doubt=random.normal(0.0, 1.0, count),
        speed_gain=random.normal(*gain, count),
        cliff=cliff,
    )
    return ReplayCurves(curve, particles)


def shape_of(
    spec: ClusterSpec, node_types: Sequence[NodeType], slots_per_core: float
) -> ClusterShape:
    """Return a spec as spark tasks see it: one executor a worker, with all of its cores."""
    node_type = node_type_of(spec, node_types)
    return ClusterShape(
        executor_count=spec.worker_count,
        slots_per_executor=max(1, int(node_type.cores * slots_per_core)),
        memory_gib=node_type.memory_gib,
    )


def observed_run(
    spec: ClusterSpec, profile: RunProfile, node_types: Sequence[NodeType], *, run_id: str
) -> ObservedRun:
    """Return a run with an event log as the replay takes it."""
    return ObservedRun(
        run_id=run_id,
        shape=shape_of(spec, node_types, profile.slots_per_core),
        plan=plan_from_profile(profile),
        runtime_s=profile.runtime_s,
        driver_s=profile.driver_s,
    )


def _resized(shape: ClusterShape, slot_count: int) -> ClusterShape:
    """Return as many slots in executors as large as the run's, or in one smaller one."""
    executors = max(1, round(slot_count / shape.slots_per_executor))
    return ClusterShape(executors, max(1, round(slot_count / executors)), shape.memory_gib)
