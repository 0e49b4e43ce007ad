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
from isocost.domain.recommendation import ConsideredCandidate, Evidence, Interval, Prediction
from isocost.errors import IsocostError, UnreadableLog
from isocost.platforms.base import MeasuredRun, RunOutcome, RunRequest
from isocost.pricing.list_cost import usd_per_s
from isocost.recommend.policy import Advice, Question
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
        unlogged: workloads that leave no event log and are measured from outside.
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
        self.unlogged: set[str] = set()

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
        is_unlogged = request.workload in self.unlogged
        return RunOutcome(
            started_at=NOW,
            ended_at=ended_at,
            timeline=steady_timeline(request.spec, NOW, ended_at),
            event_log=None if is_failing or is_unlogged else Path(request.run_id),
            failure="executor lost: out of memory" if is_failing else None,
            measured=MeasuredRun(profile.runtime_s, 1e9, 2.0) if is_unlogged else None,
        )

    def read_profile(self, path: str) -> RunProfile:
        """Return the profile of an executed run, as an event-log reader would."""
        if any(name in path for name in self._unreadable):
            raise UnreadableLog(f"{path} holds nothing that can be decoded.")
        return self._profiles[path]

    def _profile(self, request: RunRequest) -> RunProfile:
        cores = total_cores(request.spec, LOCAL_NODE_TYPES)
        worked_s = _worked_s(request.spec)
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


class SyntheticOracle:
    """A policy that knows the synthetic physics: the cheapest candidate in time, else the fastest.

    For tests of the loop around a policy, which must not change when a policy does.
    """

    def advise(self, question: Question) -> Advice:
        """Return the choice with an exact prediction."""
        considered = [self._considered(spec, question) for spec in question.space.candidates]
        deadline_s = float("inf") if question.sla is None else question.sla.max_runtime_s
        in_time = [c for c in considered if c.prediction.runtime_s <= deadline_s]
        fastest = min(considered, key=lambda c: c.prediction.runtime_s)
        chosen = min(in_time or [fastest], key=lambda c: c.prediction.cost_usd)
        evidence = Evidence(
            history_run_ids=tuple(observation.run_id for observation in question.history),
            replay_error_fraction=None,
            reason="known to be the cheapest in time",
            meets_sla=bool(in_time),
            considered=tuple(considered),
            rejections=question.space.rejections,
        )
        return Advice(chosen.spec, chosen.prediction, evidence, question.phase)

    def _considered(self, spec: ClusterSpec, question: Question) -> ConsideredCandidate:
        runtime_s = DRIVER_S + _worked_s(spec)
        cost_usd = (runtime_s + OVERHEAD_S) * usd_per_s(spec, question.node_types)
        exactly_s, exactly_usd = Interval(runtime_s, runtime_s), Interval(cost_usd, cost_usd)
        prediction = Prediction(runtime_s, exactly_s, exactly_s, cost_usd, exactly_usd, None)
        return ConsideredCandidate(spec, prediction)


def _worked_s(spec: ClusterSpec) -> float:
    """Return how long all spark tasks take, in waves of as many as there are cores."""
    return ceil(SPARK_TASK_COUNT / total_cores(spec, LOCAL_NODE_TYPES)) * SPARK_TASK_S
