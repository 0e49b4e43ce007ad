"""A project's runs and what else is known of it in, its model out: runtime, failure, causes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean, median
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import InvalidInput
from isocost.model.failure import FailureModel
from isocost.model.groups import Beliefs
from isocost.model.history import NOTHING_TO_TRANSFER, Ending, Observation, Transfer
from isocost.model.knowledge import Knowledge, groups_of
from isocost.model.log_evidence import MemoryEvidence, cpu_share, is_disturbed, memory_evidence
from isocost.model.mixture import Mixture
from isocost.model.noise import CLUSTER_SD, DISTURBED_SD, RUN_SD, run_sd
from isocost.model.points import Floats, Points, Scale, points_of, scale_of
from isocost.model.posterior import Observed, Posterior
from isocost.model.replayed import ReplayCurve, observed_run, replay_curve
from isocost.model.runtime import MAX_REPLAY_ERROR_FRACTION
from isocost.model.transfer import Sibling, shared_beliefs

# A run that was stopped would have gone on for e^0.4, half as long again: the mean of a Pareto
# tail of index 2.5, about that of the runtimes of one program over all clusters of Scout's data.
STOPPED_LOG_MORE: Final = 0.4
# Distinct clusters and sizes the posterior looks at; the newest. Beyond these, time would grow
# with the cube of the history and nothing would be learned.
MOST_POINTS: Final = 150
# Replays that are mixed; each costs a fraction of a second for a log of thousands of spark tasks.
MOST_REPLAYS: Final = 3
SAME_INPUT_LOG: Final = 0.02  # input sizes this close count as one


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one cluster at about the newest input size.

    Attributes:
        log_s: mean logarithm of the runtimes, brought to the newest run's input size.
        count: of runs.
        sd: of the next run about that mean.
    """

    spec: ClusterSpec
    log_s: float
    count: int
    sd: float


@dataclass(frozen=True, slots=True)
class _Cell:
    """Runs of one cluster at about one input size."""

    spec: ClusterSpec
    log_input: float
    log_s: tuple[float, ...]
    variance: float


class ProjectModel:
    """Predicts one cluster of a project; immutable once made."""

    def __init__(
        self,
        history: Sequence[Observation],
        *,
        space: Sequence[ClusterSpec],
        node_types: Sequence[NodeType],
        transfer: Transfer = NOTHING_TO_TRANSFER,
        input_bytes: float | None = None,
    ) -> None:
        """Learn from runs, oldest first.

        Args:
            history: successes and failures.
            space: candidates, which set the scale of the priors.
            node_types: of history and space.
            transfer: histories of other projects.
            input_bytes: of the next run; as the newest's if not given.

        Raises:
            InvalidInput: if there is no run that says anything of the runtime.
        """
        timed = [o for o in history if _is_timed(o)]
        if not timed:
            raise InvalidInput(
                f"None of the {len(history)} runs succeeded or was timed, so nothing is known of "
                "the runtime. Have the project succeed once."
            )
        self._node_types = node_types
        self._reference_bytes = input_bytes or _newest_input(history)
        self.space_points = points_of(space, node_types)
        self.scale = scale_of(self.space_points)
        self.run_sd = run_sd(_repeats(timed, self._reference_bytes))
        self._cells = _cells(timed, self._reference_bytes, self.run_sd)[-MOST_POINTS:]
        self.posterior = Posterior(
            groups_of(self._knowledge(history, transfer), self.scale),
            _observed(self._cells, node_types),
            next_noise_variance=self.run_sd**2 + CLUSTER_SD**2,
        )
        self.failure = FailureModel(
            self.space_points,
            points_of([o.spec for o in history], node_types),
            [o.ending is not Ending.SUCCEEDED for o in history],
        )
        self._succeeded = {o.spec for o in history if o.ending is Ending.SUCCEEDED}

    def _knowledge(self, history: Sequence[Observation], transfer: Transfer) -> Knowledge:
        logged = [o for o in history if o.profile is not None and not _is_disturbed(o)]
        told = [_told_by(o, self._node_types) for o in logged]
        shares = [share for share in map(_cpu_share, logged) if share is not None]
        return Knowledge(
            beliefs=self._beliefs(transfer),
            memory=_pooled_memory(history, told),
            cpu_share=fmean(shares) if shares else None,
            replays=_replays(logged, self._node_types, self.space_points),
            sibling=self._sibling(transfer),
        )

    def _beliefs(self, transfer: Transfer) -> Beliefs:
        others = [[o for o in history if _is_timed(o)] for history in transfer.other_programs]
        return shared_beliefs([self._as_other(history) for history in others if history])

    def _as_other(self, history: Sequence[Observation]) -> tuple[Observed, Scale]:
        """Return another program's runs, seen from its own newest one."""
        cells = _cells(history, _newest_input(history), RUN_SD)[-MOST_POINTS:]
        observed = _observed(cells, self._node_types)
        return observed, scale_of(observed.points)

    def _sibling(self, transfer: Transfer) -> Sibling | None:
        runs = [o for history in transfer.same_program for o in history if _is_timed(o)]
        if not runs:
            return None
        cells = _cells(runs, self._reference_bytes, RUN_SD)[-MOST_POINTS:]
        is_known = self._reference_bytes is not None and all(o.input_bytes for o in runs)
        return Sibling(_observed(cells, self._node_types), is_known)

    def predict(self, points: Points) -> Mixture:
        """Return the log runtimes of the next run, if it succeeds, on some clusters."""
        return self.posterior.predict(points)

    def probability_of_failure(self, points: Points) -> Floats:
        """Return P(failure) of the next run, (points,)."""
        return self.failure.probability(points)

    def seen(self) -> list[Seen]:
        """Return what was seen of each cluster that succeeded, oldest first.

        Runs at other input sizes count by what the model makes of the difference.
        """
        by_spec: dict[ClusterSpec, list[_Cell]] = defaultdict(list)
        for cell in self._cells:
            if cell.spec in self._succeeded:
                by_spec[cell.spec].append(cell)
        return [self._seen_of(spec, cells) for spec, cells in by_spec.items()]

    def _seen_of(self, spec: ClusterSpec, cells: Sequence[_Cell]) -> Seen:
        here = [cell for cell in cells if abs(cell.log_input) <= SAME_INPUT_LOG]
        values = [value for cell in here for value in cell.log_s]
        if values:
            return Seen(spec, fmean(values), len(values), self.run_sd)
        mixture = self.predict(points_of([spec], self._node_types))
        mean, sd = mixture.moments()
        return Seen(spec, float(mean[0]), 0, float(sd[0]))


def _observed(cells: Sequence[_Cell], node_types: Sequence[NodeType]) -> Observed:
    return Observed(
        points_of([cell.spec for cell in cells], node_types, [cell.log_input for cell in cells]),
        np.array([fmean(cell.log_s) for cell in cells]),
        np.array([cell.variance for cell in cells]),
    )


def _replays(
    logged: Sequence[Observation], node_types: Sequence[NodeType], space: Points
) -> list[ReplayCurve]:
    """Return replays of the newest runs on distinct clusters, as far as they can be trusted."""
    newest: dict[ClusterSpec, Observation] = {}
    for observation in logged:
        newest.pop(observation.spec, None)
        newest[observation.spec] = observation
    curves = []
    for observation in list(newest.values())[-MOST_REPLAYS:]:
        profile = observation.profile
        if profile is None or not any(stage.durations.count for stage in profile.stages):
            continue
        run = observed_run(observation.spec, profile, node_types, run_id=observation.run_id)
        if run.replay_error_fraction <= MAX_REPLAY_ERROR_FRACTION:
            curves.append(replay_curve(run, space, profile.slots_per_core))
    return curves


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


def _told_by(observation: Observation, node_types: Sequence[NodeType]) -> MemoryEvidence:
    if observation.profile is None:
        return MemoryEvidence()
    usable_gib = points_of([observation.spec], node_types).usable_gib
    return memory_evidence(observation.profile, float(usable_gib[0]))


def _cpu_share(observation: Observation) -> float | None:
    return None if observation.profile is None else cpu_share(observation.profile)


def _is_disturbed(observation: Observation) -> bool:
    has_told = observation.profile is not None and is_disturbed(observation.profile)
    return observation.is_disturbed or has_told


def _is_timed(observation: Observation) -> bool:
    return observation.runtime_s is not None and observation.ending is not Ending.FAILED


def _newest_input(history: Sequence[Observation]) -> float | None:
    known = [o.input_bytes for o in history if o.input_bytes]
    return known[-1] if known else None


def _log_input(observation: Observation, reference: float | None) -> float:
    if not observation.input_bytes or not reference:
        return 0.0
    return log(observation.input_bytes / reference)


def _repeats(timed: Sequence[Observation], reference: float | None) -> list[list[float]]:
    cells: dict[tuple[ClusterSpec, int], list[float]] = defaultdict(list)
    for o in timed:
        if o.ending is Ending.SUCCEEDED and not _is_disturbed(o) and o.runtime_s is not None:
            cells[o.spec, _size_class(o, reference)].append(log(o.runtime_s))
    return list(cells.values())


def _size_class(observation: Observation, reference: float | None) -> int:
    return round(_log_input(observation, reference) / SAME_INPUT_LOG)


def _cells(timed: Sequence[Observation], reference: float | None, noise_sd: float) -> list[_Cell]:
    """Return the runs by cluster and input size, in the order of their newest run."""
    grouped: dict[tuple[ClusterSpec, int], list[Observation]] = {}
    for o in timed:
        key = o.spec, _size_class(o, reference)
        grouped[key] = [*grouped.pop(key, []), o]
    return [_cell(runs, reference, noise_sd) for runs in grouped.values()]


def _cell(runs: Sequence[Observation], reference: float | None, noise_sd: float) -> _Cell:
    sound = [o for o in runs if not _is_disturbed(o) and o.ending is Ending.SUCCEEDED]
    kept = sound or runs
    values = tuple(_log_s(o) for o in kept)
    sd = noise_sd if sound else max(noise_sd, DISTURBED_SD)
    variance = sd**2 / len(kept) + CLUSTER_SD**2
    return _Cell(runs[-1].spec, fmean(_log_input(o, reference) for o in kept), values, variance)


def _log_s(observation: Observation) -> float:
    if observation.runtime_s is None:
        raise InvalidInput(f"Run {observation.run_id} has no runtime.")
    stopped = observation.ending is Ending.TIMED_OUT
    return log(observation.runtime_s) + (STOPPED_LOG_MORE if stopped else 0.0)
