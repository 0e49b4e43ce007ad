"""A platform with known physics and no Spark: for tests of everything that is above a platform.

A workload is a number of equal spark tasks after some driver time. Its "event log" is a file that
names the run; `read_profile` finds the profile by it, as a reader would.
"""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Final

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec, NodeType, steady_timeline, total_cores
from isocost.domain.profile import ExecutorSpan, RunProfile
from isocost.errors import IsocostError, UnreadableLog
from isocost.platforms.base import RunOutcome, RunRequest
from isocost.testing.nouns import NOW, a_profile, a_stage

SPARK_TASK_COUNT: Final = 24
SPARK_TASK_S: Final = 1.0
DRIVER_S: Final = 2.0
OVERHEAD_S: Final = 3.0


class SyntheticPlatform:
    """Runs workloads at once; remembers what it executed and fails where it is told to.

    Attributes:
        executed: run ids in order, repeats included.
        prepared: the workloads of each call of `prepare`.
        failing_specs: clusters on which every workload fails.
        refusing: what `execute` raises, by workload.
    """

    name = "synthetic"

    def __init__(self, failing: Sequence[str] = (), unreadable: Sequence[str] = ()) -> None:
        """Make a platform on which `failing` workloads fail and `unreadable` leave a bad log."""
        self._failing = set(failing)
        self._unreadable = set(unreadable)
        self._profiles: dict[str, RunProfile] = {}
        self.executed: list[str] = []
        self.prepared: list[tuple[str, ...]] = []
        self.failing_specs: set[ClusterSpec] = set()
        self.refusing: dict[str, IsocostError] = {}

    def node_types(self) -> Sequence[NodeType]:
        """Return the local node types."""
        return LOCAL_NODE_TYPES

    def capacity_cores(self) -> int:
        """Return two, as on the smallest machine the product is tested on."""
        return 2

    def capacity_gib(self) -> float:
        """Return more than any candidate needs."""
        return 8.0

    def workloads(self) -> Sequence[str]:
        """Return some names."""
        return ("etl/a", "etl/b", "sql/c")

    def prepare(self, workloads: Sequence[str]) -> None:
        """Need nothing."""
        self.prepared.append(tuple(workloads))

    def execute(self, request: RunRequest) -> RunOutcome:
        """Return what the physics says."""
        self.executed.append(request.run_id)
        if request.workload in self.refusing:
            raise self.refusing[request.workload]
        profile = self._profile(request)
        self._profiles[request.run_id] = profile
        ended_at = NOW + timedelta(seconds=profile.runtime_s + OVERHEAD_S)
        is_failing = request.workload in self._failing or request.spec in self.failing_specs
        return RunOutcome(
            started_at=NOW,
            ended_at=ended_at,
            timeline=steady_timeline(request.spec, NOW, ended_at),
            event_log=None if is_failing else Path(request.run_id),
            failure="executor lost: out of memory" if is_failing else None,
        )

    def read_profile(self, path: str) -> RunProfile:
        """Return the profile of an executed run, as an event-log reader would."""
        if any(name in path for name in self._unreadable):
            raise UnreadableLog(f"{path} holds nothing that can be decoded.")
        return self._profiles[path]

    def _profile(self, request: RunRequest) -> RunProfile:
        cores = total_cores(request.spec, LOCAL_NODE_TYPES)
        worked_s = ceil(SPARK_TASK_COUNT / cores) * SPARK_TASK_S
        stage = a_stage(
            0,
            *[SPARK_TASK_S] * SPARK_TASK_COUNT,
            submitted_s=DRIVER_S,
            completed_s=DRIVER_S + worked_s,
        )
        slots_each = cores // request.spec.worker_count
        return a_profile(
            stage,
            application_name=request.workload,
            runtime_s=DRIVER_S + worked_s,
            driver_s=DRIVER_S,
            executors=tuple(
                ExecutorSpan(str(n), "host-0", slots_each, 0.0, None)
                for n in range(request.spec.worker_count)
            ),
        )
