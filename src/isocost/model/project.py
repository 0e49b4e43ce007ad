"""A project's runs and what else is known of it in, its model out: runtime, failure, causes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import InvalidInput
from isocost.model.cells import (
    SAME_INPUT_LOG,
    Cell,
    cells_of,
    log_input_of,
    newest_input_bytes,
    newest_inputs,
    observed_of,
)
from isocost.model.epochs import epochs_of
from isocost.model.failure import FailureModel
from isocost.model.history import Ending, Inputs, Observation, with_likely_inputs
from isocost.model.input_fit import input_groups
from isocost.model.inputs import axes_of, coordinates
from isocost.model.knowledge import Knowledge, groups_of
from isocost.model.log_evidence import MemoryEvidence, cpu_share, memory_evidence
from isocost.model.mixture import Mixture
from isocost.model.noise import CLUSTER_SD, run_sd
from isocost.model.points import Floats, Points, points_of, scale_of
from isocost.model.posterior import Group, Observed, Posterior
from isocost.model.replayed import observed_run, replay_curve
from isocost.model.runtime import MAX_REPLAY_ERROR_FRACTION, ObservedRun
from isocost.model.transfer import NOTHING_LEARNED, Learned

# Replays that are mixed; each costs a fraction of a second for a log of thousands of spark tasks.
MOST_REPLAYS: Final = 3
# The failure model looks at this many of the newest runs; more would not change its mind.
MOST_ENDINGS: Final = 500


@dataclass(frozen=True, slots=True)
class RunToPredict:
    """A run on a cluster with inputs of its own."""

    spec: ClusterSpec
    input_bytes: float | None = None
    inputs: Inputs = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one cluster that succeeded, brought to the next run's input size.

    Attributes:
        log_s: mean logarithm of the runtimes.
        count: of runs at that size and in the newest epoch; 0 if the model had to bring it there.
        sd: of the next run about that mean.
    """

    spec: ClusterSpec
    log_s: float
    count: int
    sd: float


class ProjectModel:
    """Predicts one cluster of a project; immutable once made."""

    def __init__(
        self,
        history: Sequence[Observation],
        *,
        space: Sequence[ClusterSpec],
        node_types: Sequence[NodeType],
        learned: Learned = NOTHING_LEARNED,
        input_bytes: float | None = None,
        inputs: Inputs = (),
    ) -> None:
        """Learn from runs, oldest first.

        Args:
            history: successes and failures.
            space: candidates, which set the scale of the priors.
            node_types: of history and space.
            learned: from other projects.
            input_bytes: of the next run; as the newest's if not given.
            inputs: of the next run; as the newest's if not given.

        Raises:
            InvalidInput: if there is no run that says anything of the runtime.
        """
        history = with_likely_inputs(history)
        self._node_types = node_types
        self.replay_error_fraction: float | None = None
        self._seen: list[Seen] | None = None
        self._input_bytes = input_bytes or newest_input_bytes(history)
        self._cells = cells_of(history, epochs_of(history), input_bytes=self._input_bytes)
        if not self._cells:
            raise InvalidInput(
                f"None of the {len(history)} runs succeeded or was timed, so nothing is known of "
                "the runtime. Have the project succeed once."
            )
        self.space_points = points_of(space, node_types)
        self.scale = scale_of(self.space_points)
        self.run_sd = run_sd([cell.log_s for cell in self._cells if cell.is_sound])
        self._inputs = inputs or newest_inputs(history)
        self._axes = axes_of(
            [cell.inputs for cell in self._cells],
            [cell.log_input for cell in self._cells],
            newest=self._inputs,
        )
        observed = observed_of(self._cells, node_types, run_sd=self.run_sd, axes=self._axes)
        self.posterior = Posterior(
            self._groups(self._knowledge(history, learned), observed),
            observed,
            next_noise_variance=self.run_sd**2 + CLUSTER_SD**2,
        )
        endings = history[-MOST_ENDINGS:]
        self.failure = FailureModel(
            self.space_points,
            points_of([o.spec for o in endings], node_types),
            [o.ending is not Ending.SUCCEEDED for o in endings],
        )

    def predict(self, points: Points) -> Mixture:
        """Return the log runtimes of the next run, if it succeeds, on some clusters."""
        return self.posterior.predict(points)

    def points_of_runs(self, runs: Sequence[RunToPredict]) -> Points:
        """Return the points of runs whose inputs may be others than the next run's."""
        return points_of(
            [run.spec for run in runs],
            self._node_types,
            [log_input_of(run.input_bytes, self._input_bytes) for run in runs],
            inputs=coordinates(self._axes, [run.inputs for run in runs]),
        )

    def probability_of_failure(self, points: Points) -> Floats:
        """Return P(failure) of the next run, (points,)."""
        return self.failure.probability(points)

    def seen(self) -> list[Seen]:
        """Return what was seen of each cluster that succeeded, oldest first."""
        if self._seen is None:
            self._seen = self._all_seen()
        return self._seen

    def _all_seen(self) -> list[Seen]:
        by_spec: dict[ClusterSpec, list[Cell]] = defaultdict(list)
        for cell in self._cells:
            if cell.is_sound:
                by_spec[cell.spec].append(cell)
        return [self._seen_of(spec, cells) for spec, cells in by_spec.items()]

    def _seen_of(self, spec: ClusterSpec, cells: Sequence[Cell]) -> Seen:
        like_next = [c for c in cells if self._is_like_next(c)]
        values = [value for cell in like_next for value in cell.log_s]
        if values:
            return Seen(spec, fmean(values), len(values), self.run_sd)
        mean, sd = self.predict(points_of([spec], self._node_types)).moments()
        return Seen(spec, float(mean[0]), 0, float(sd[0]))

    def _is_like_next(self, cell: Cell) -> bool:
        apart = np.abs(coordinates(self._axes, [cell.inputs])).max(initial=abs(cell.log_input))
        return not cell.epoch and bool(apart <= SAME_INPUT_LOG)

    def _groups(self, knowledge: Knowledge, observed: Observed) -> list[Group]:
        groups = groups_of(knowledge, self.scale)
        has_sizes = self._inputs and np.ptp(observed.points.log_input) > SAME_INPUT_LOG
        if not self._axes and not has_sizes:
            return groups
        return input_groups(groups, observed, self._axes)

    def _knowledge(self, history: Sequence[Observation], learned: Learned) -> Knowledge:
        logged = [o for o in history if o.profile is not None and not o.is_disturbed]
        profiles = [o.profile for o in logged if o.profile is not None]
        known = [share for share in map(cpu_share, profiles) if share is not None]
        usable_gib = points_of([o.spec for o in logged], self._node_types).usable_gib
        replayable = _replayable(logged, self._node_types)
        if replayable:
            self.replay_error_fraction = replayable[-1][0].replay_error_fraction
        return Knowledge(
            beliefs=learned.beliefs,
            memory=_pooled_memory(history, list(map(memory_evidence, profiles, usable_gib))),
            cpu_share=fmean(known) if known else None,
            replays=[
                replay_curve(run, self.space_points, slots_per_core)
                for run, slots_per_core in replayable
                if run.replay_error_fraction <= MAX_REPLAY_ERROR_FRACTION
            ],
            sibling=learned.sibling(self._input_bytes),
        )


def _replayable(
    logged: Sequence[Observation], node_types: Sequence[NodeType]
) -> list[tuple[ObservedRun, float]]:
    """Return the newest runs on distinct clusters that ran spark tasks, with slots per core."""
    newest: dict[ClusterSpec, Observation] = {}
    for observation in logged:
        newest.pop(observation.spec, None)
        newest[observation.spec] = observation
    runs = []
    for observation in list(newest.values())[-MOST_REPLAYS:]:
        profile = observation.profile
        if profile is not None and any(stage.durations.count for stage in profile.stages):
            run = observed_run(observation.spec, profile, node_types, run_id=observation.run_id)
            runs.append((run, profile.slots_per_core))
    return runs


def _pooled_memory(
    history: Sequence[Observation], told: Sequence[MemoryEvidence]
) -> MemoryEvidence:
    given = [o.working_set_gib for o in history if o.working_set_gib is not None]
    given += [t.measured_gib for t in told if t.measured_gib is not None]
    fits = [t.fits_gib for t in told if t.fits_gib is not None]
    exceeds = [t.exceeds_gib for t in told if t.exceeds_gib is not None]
    return MemoryEvidence(
        measured_gib=median(given) if given else None,
        fits_gib=min(fits, default=None),
        exceeds_gib=max(exceeds, default=None),
    )
