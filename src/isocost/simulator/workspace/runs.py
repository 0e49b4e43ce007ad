"""Runs of databricks jobs, and the entries (Databricks' tasks) they consist of.

What happens to an entry is planned when it starts, since its cluster is simulated then; where it
stands at a moment is read off the plan:

    WAITING ── planned ──> PENDING ── running_at ──> RUNNING ── ended_at ──> TERMINATED
       └────── left out ─────────────────────────────────────────────────> TERMINATED
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from isocost.simulator.workspace.clusters import JobCluster
from isocost.simulator.workspace.values import Json


class Result(Enum):
    """How a run or an entry ended; the value is Databricks' result state."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMED_OUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"
    EXCLUDED = "EXCLUDED"
    TOO_MANY_RUNS = "MAXIMUM_CONCURRENT_RUNS_REACHED"


class Step(Enum):
    """Where an entry stands; the value is Databricks' state in its newer spelling."""

    WAITING = "BLOCKED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    TERMINATED = "TERMINATED"


@dataclass(slots=True)
class EntryRun:
    """One attempt of one entry.

    Attributes:
        definition: the entry as the databricks job states it.
        started_at, running_at, ended_at: planned; None while it waits, and `running_at` also
            where its code never ran.
        code: Databricks' termination code where the result alone does not tell it.
        is_error: Databricks' fault or the cloud's rather than the code's.
    """

    definition: Json
    run_id: int
    attempt: int = 0
    started_at: datetime | None = None
    running_at: datetime | None = None
    ended_at: datetime | None = None
    result: Result | None = None
    message: str = ""
    code: str = ""
    is_error: bool = False
    cluster: JobCluster | None = None

    @property
    def key(self) -> str:
        """Its name in the definition."""
        return str(self.definition["task_key"])

    @property
    def before(self) -> tuple[str, ...]:
        """The entries that it depends on."""
        return tuple(str(d["task_key"]) for d in self.definition.get("depends_on") or [])

    @property
    def is_planned(self) -> bool:
        """Whether it is known when it will end."""
        return self.ended_at is not None

    def is_over(self, now: datetime) -> bool:
        """Say whether it has ended."""
        return self.ended_at is not None and now >= self.ended_at

    def step(self, now: datetime) -> Step:
        """Return where it stands."""
        if self.ended_at is None:
            return Step.WAITING
        if now >= self.ended_at:
            return Step.TERMINATED
        if self.running_at is None or now < self.running_at:
            return Step.PENDING
        return Step.RUNNING

    def cut(self, at: datetime, result: Result, message: str) -> None:
        """End it now, unless it has ended."""
        if self.is_over(at):
            return
        self.started_at = self.started_at or at
        if self.running_at is not None and self.running_at > at:
            self.running_at = None
        self.ended_at, self.result, self.message = at, result, message


@dataclass(slots=True)
class Repair:
    """A later attempt at entries of a run that had ended."""

    repair_id: int
    started_at: datetime
    run_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """One run of a databricks job, or of settings submitted once.

    Attributes:
        job_id: None of a one-time run.
        settings: the definition as it was when the run began.
        entries: every attempt of every entry, in order of creation.
        queued_at: when it was put into the queue; None if it did not have to wait.
        skipped: why it never began; None if it did.
        stopped: what ended it before its entries did; None if nothing.
    """

    run_id: int
    job_id: int | None
    number: int
    settings: Json
    creator_user_name: str
    trigger: str
    requested_at: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    entries: list[EntryRun] = field(default_factory=list)
    clusters: list[JobCluster] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    queued_at: datetime | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    skipped: Result | None = None
    stopped: Result | None = None

    @property
    def name(self) -> str:
        """What lists call it."""
        return str(self.settings.get("run_name") or self.settings.get("name") or "Untitled")

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or never began."""
        return self.ended_at is not None

    def latest(self) -> dict[str, EntryRun]:
        """Return the last attempt of each entry by its key."""
        return {entry.key: entry for entry in self.entries}

    def result(self) -> Result | None:
        """Return how it ended; None while it goes on."""
        if not self.is_over:
            return None
        if self.skipped is not None or self.stopped is not None:
            return self.skipped or self.stopped
        if Result.TIMED_OUT in {entry.result for entry in self.latest().values()}:
            return Result.TIMED_OUT
        results = {entry.result for entry in self._leaves()}
        bad = {Result.FAILED, Result.UPSTREAM_FAILED, Result.UPSTREAM_CANCELED}
        return Result.FAILED if results & bad else Result.SUCCESS

    def _leaves(self) -> list[EntryRun]:
        """Return the entries that no other depends on: they decide (docs, "Run status")."""
        latest = self.latest()
        awaited = {key for entry in latest.values() for key in entry.before}
        return [entry for key, entry in latest.items() if key not in awaited]

    def failed_entry(self) -> EntryRun | None:
        """Return the first entry that failed by itself."""
        own = {Result.FAILED, Result.TIMED_OUT, Result.CANCELED}
        return next((e for e in self.latest().values() if e.result in own), None)
