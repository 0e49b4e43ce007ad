"""A workload, a cluster and a seed in; a run that was measured before, out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from math import exp
from typing import Final
from zlib import crc32

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType, steady_timeline
from isocost.domain.grid import GridRun, GridWorkload
from isocost.errors import ClusterTooLarge, InvalidInput, UnknownName
from isocost.platforms.base import MeasuredRun, RunOutcome, RunRequest

# Recorded runs take no time, so they have a calendar of their own, each run after the one before.
_FIRST_RUN_AT: Final = datetime(2020, 1, 1, tzinfo=UTC)

# Cloud runs have more outliers than a normal distribution; 4 degrees of freedom are what the noise
# rows of the measurements we compare with were made with. Cut where the tail is one in 500.
NOISE_DEGREES_OF_FREEDOM: Final = 4
MAX_NOISE_DEVIATIONS: Final = 6.0


class Recorded:
    """Repeats the recorded runs of one workload; where there are several, a seeded one of them.

    The same run id always gets the same answer. One workload each, because two grids may have
    different prices for one node type.
    """

    name = "recorded"

    def __init__(self, workload: GridWorkload, *, seed: int = 0, noise_sd: float = 0.0) -> None:
        """Make the platform.

        Args:
            workload: what can be run, and on which clusters.
            seed: of the choice among repetitions, and of the noise.
            noise_sd: scale of the Student t noise that is added to the logarithm of each runtime.

        Raises:
            InvalidInput: if the noise is no number of 0 or more.
        """
        if not 0 <= noise_sd < float("inf"):
            raise InvalidInput(
                f"Noise is a finite scale of 0 or more; got {noise_sd}. 0.03 makes runtimes vary "
                "by about 3 %."
            )
        self._workload = workload
        self._seed = seed
        self._noise_sd = noise_sd
        self._now = _FIRST_RUN_AT

    def node_types(self) -> Sequence[NodeType]:
        """Return the node types that the workload was measured on."""
        return self._workload.node_types

    def capacity_cores(self) -> int:
        """Return the cores of the largest cluster that was measured."""
        return max(self._node_type(s).cores * s.worker_count for s in self._workload.specs)

    def capacity_gib(self) -> float:
        """Return the memory of the cluster with the most that was measured."""
        return max(self._node_type(s).memory_gib * s.worker_count for s in self._workload.specs)

    def workloads(self) -> Sequence[str]:
        """Return the one workload."""
        return (self._workload.name,)

    def prepare(self, workloads: Sequence[str]) -> None:
        """Need nothing."""
        for name in workloads:
            self._check_workload(name)

    def execute(self, request: RunRequest) -> RunOutcome:
        """Return a recorded run of this cluster."""
        self._check_workload(request.workload)
        self._check_cluster(request.spec)
        cell = self._workload.cell(request.spec)
        chance = np.random.default_rng([self._seed, crc32(request.run_id.encode())])
        run = self._disturbed(cell.runs[int(chance.integers(len(cell.runs)))], chance)
        started_at = self._now
        self._now += timedelta(seconds=run.runtime_s)
        return _outcome(run, request.spec, (started_at, self._now))

    def _disturbed(self, run: GridRun, chance: np.random.Generator) -> GridRun:
        # A failed run is charged what it is charged; there is no runtime to disturb.
        if not self._noise_sd or run.is_failed:
            return run
        drawn = float(chance.standard_t(NOISE_DEGREES_OF_FREEDOM))
        bounded = min(max(drawn, -MAX_NOISE_DEVIATIONS), MAX_NOISE_DEVIATIONS)
        return replace(run, runtime_s=run.runtime_s * exp(self._noise_sd * bounded))

    def _check_workload(self, name: str) -> None:
        known = self._workload.name
        if name != known:
            near = f"Did you mean {known}?" if get_close_matches(name, [known]) else ""
            raise UnknownName(f"No workload {name!r} is recorded, only {known!r}. {near}".rstrip())

    def _check_cluster(self, spec: ClusterSpec) -> None:
        counts = [
            s.worker_count for s in self._workload.specs if s.node_type_id == spec.node_type_id
        ]
        if not counts:
            known = ", ".join(t.node_type_id for t in self.node_types())
            raise UnknownName(
                f"No run on node type {spec.node_type_id!r} was recorded. Recorded are {known}."
            )
        if spec.worker_count > max(counts):
            raise ClusterTooLarge(
                f"No run on {spec} was recorded; the largest cluster of {spec.node_type_id} has "
                f"{max(counts)} workers. Ask for one that was."
            )

    def _node_type(self, spec: ClusterSpec) -> NodeType:
        return next(t for t in self.node_types() if t.node_type_id == spec.node_type_id)


def _outcome(run: GridRun, spec: ClusterSpec, stay: tuple[datetime, datetime]) -> RunOutcome:
    return RunOutcome(
        started_at=stay[0],
        ended_at=stay[1],
        timeline=steady_timeline(spec, *stay),
        event_log=None,
        failure="the recorded run failed" if run.is_failed else None,
        measured=MeasuredRun(run.runtime_s, run.input_bytes, run.working_set_gib),
        is_timed_out=run.is_timed_out,
    )
