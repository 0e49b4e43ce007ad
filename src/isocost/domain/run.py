"""Runs: one execution of a project, from request to release of its clusters.

    requested ──start──▶ running ──finish──▶ finished ──ingest──▶ ingested
        ▲                   │ └────fail────▶ failed ◀──fail──┘
        └─────interrupt─────┘

A finished run fails when its event log cannot be read. `interrupt` is what a sweep says of a run
whose process died: it will be executed afresh. A run of somebody else (a Databricks job run)
enters at `requested` when it is first heard of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from isocost.domain.cluster import ClusterSpec, ClusterTimeline
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import Deviation
from isocost.domain.lifecycle import advance


class RunState(Enum):
    """Where a run stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INGESTED = "ingested"


class RunEvent(Enum):
    """What can happen to a run."""

    START = "start"
    INTERRUPT = "interrupt"
    FINISH = "finish"
    FAIL = "fail"
    INGEST = "ingest"


NEXT_RUN_STATE: Final[Mapping[tuple[RunState, RunEvent], RunState]] = {
    (RunState.REQUESTED, RunEvent.START): RunState.RUNNING,
    (RunState.RUNNING, RunEvent.INTERRUPT): RunState.REQUESTED,
    (RunState.RUNNING, RunEvent.FINISH): RunState.FINISHED,
    (RunState.RUNNING, RunEvent.FAIL): RunState.FAILED,
    (RunState.FINISHED, RunEvent.INGEST): RunState.INGESTED,
    (RunState.FINISHED, RunEvent.FAIL): RunState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one cluster of a project.

    Attributes:
        ordinal: 0 for the cold start, counted within the project.
        recommendation_id: the recommendation this run was started on; None for a cold start.
        event_log: where the event log lies, once the run has finished; None for a run that left
            none and whose runtime was measured from outside.
        runtime_s: from the application's start to its end, by its own event log or by that
            measurement; None until then, and for a failed run.
        failure: why it failed, for a failed run.
        input_bytes: how much it read, where that was measured from outside.
        working_set_gib: memory in which all that it caches and shuffles fits, over all nodes; 0.0
            where more memory is known not to help, None where nothing is known.
        inputs: numeric arguments of the run and features of what it read, by name.
        failed_after_s: how long a failed run's application had run until then, if that is known.
        is_timed_out: it did not fail by itself but was stopped, so it would have taken longer.
        execution_id: the execution of the whole project that it is part of; None where a project
            is one run.
        allowed_s: the longest that it might have taken for the whole project to keep its SLA;
            None where that is the SLA itself.
        deviation: from what was expected of it, once it was judged.
        is_disturbed: lost executors or retries made it slower than such a run is; None where its
            profile says so.
        spot_loss_count: nodes that the cloud took away.
        asked_spec: what was asked for, where that may be another than what ran (autoscaling).
    """

    run_id: str
    project_id: str
    cluster_key: str
    ordinal: int
    spec: ClusterSpec
    state: RunState
    requested_at: datetime
    recommendation_id: str | None = None
    timeline: ClusterTimeline | None = None
    event_log: str | None = None
    runtime_s: float | None = None
    cost: CostBreakdown | None = None
    failure: str | None = None
    input_bytes: float | None = None
    working_set_gib: float | None = None
    failed_after_s: float | None = None
    is_timed_out: bool = False
    inputs: tuple[tuple[str, float], ...] = ()
    execution_id: str | None = None
    allowed_s: float | None = None
    deviation: Deviation | None = None
    is_disturbed: bool | None = None
    spot_loss_count: int = 0
    asked_spec: ClusterSpec | None = None

    def after(self, event: RunEvent) -> "Run":
        """Return this run once `event` has happened; raises IllegalTransition."""
        return replace(self, state=advance(NEXT_RUN_STATE, self.state, event))

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to this run."""
        return self.state in {RunState.FAILED, RunState.INGESTED}
