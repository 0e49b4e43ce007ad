"""Executions: one run of a whole imported project, and how far its results have been taken in.

    heard ──collect──▶ collected ──ingest──▶ ingested ──judge──▶ judged ──conclude──▶ concluded
      └──give_up──▶ lost ◀──give_up──┘

Each step's result is stored in the transaction that moves the state, so whoever finds an
execution knows what to do next with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from isocost.domain.lifecycle import advance
from isocost.domain.project import Phase


class ExecutionState(Enum):
    """How far an execution has been taken in."""

    HEARD = "heard"
    COLLECTED = "collected"
    INGESTED = "ingested"
    JUDGED = "judged"
    CONCLUDED = "concluded"
    LOST = "lost"


class ExecutionEvent(Enum):
    """What can happen to an execution."""

    COLLECT = "collect"
    INGEST = "ingest"
    JUDGE = "judge"
    CONCLUDE = "conclude"
    GIVE_UP = "give_up"


_State, _Event = ExecutionState, ExecutionEvent

NEXT_EXECUTION_STATE: Final[Mapping[tuple[ExecutionState, ExecutionEvent], ExecutionState]] = {
    (_State.HEARD, _Event.COLLECT): _State.COLLECTED,
    (_State.HEARD, _Event.GIVE_UP): _State.LOST,
    (_State.COLLECTED, _Event.INGEST): _State.INGESTED,
    (_State.COLLECTED, _Event.GIVE_UP): _State.LOST,
    (_State.INGESTED, _Event.JUDGE): _State.JUDGED,
    (_State.JUDGED, _Event.CONCLUDE): _State.CONCLUDED,
}


@dataclass(frozen=True, slots=True)
class StepSpan:
    """One step of an execution (a Databricks task) and when it ran.

    Attributes:
        cluster_key: the cluster it ran on; empty for a step without one of its own.
        depends_on: keys of the steps that must end first.
    """

    step_key: str
    cluster_key: str
    started_at: datetime
    ended_at: datetime
    depends_on: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """How long it took, with the start of its cluster."""
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a project.

    Attributes:
        ordinal: counted within the project in the order of being heard of.
        origin_run_id: what the workspace calls it.
        started_at, ended_at: of the whole, as the workspace says.
        is_success: whether the workspace calls it one.
        spans: its steps; empty until it was collected.
        run_ids: of its clusters' runs, once collected.
        due_at: not to be looked at before; None for at once.
        attempt_count: of the present step.
        late_log_until: until when a log that had not come when it was ingested is looked for.
        reason: why it was lost, or what is waited for.
        note: what was concluded from it, in one sentence for people.
        phase: that the project was in once it was concluded.
    """

    execution_id: str
    project_id: str
    ordinal: int
    origin_run_id: str
    heard_at: datetime
    started_at: datetime
    ended_at: datetime
    is_success: bool
    state: ExecutionState = ExecutionState.HEARD
    spans: tuple[StepSpan, ...] = ()
    run_ids: tuple[str, ...] = ()
    due_at: datetime | None = None
    attempt_count: int = 0
    late_log_until: datetime | None = None
    reason: str | None = None
    note: str = ""
    phase: Phase | None = None

    def after(self, event: ExecutionEvent) -> "Execution":
        """Return this execution once `event` has happened; raises IllegalTransition."""
        state = advance(NEXT_EXECUTION_STATE, self.state, event)
        return replace(self, state=state, due_at=None, attempt_count=0, reason=None)

    def postponed(self, until: datetime, reason: str) -> "Execution":
        """Return it to be looked at again later, and why."""
        return replace(self, due_at=until, attempt_count=self.attempt_count + 1, reason=reason)

    @property
    def duration_s(self) -> float:
        """From its start to its end, all steps and the start of clusters included."""
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def outside_s(self) -> float:
        """What it took before its first step and after its last; 0.0 without known steps."""
        if not self.spans:
            return 0.0
        begun_at = min(span.started_at for span in self.spans)
        done_at = max(span.ended_at for span in self.spans)
        return max(0.0, self.duration_s - (done_at - begun_at).total_seconds())

    @property
    def is_over(self) -> bool:
        """Whether no step is left to be done."""
        return self.state in {ExecutionState.CONCLUDED, ExecutionState.LOST}
