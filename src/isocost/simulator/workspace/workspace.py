"""A whole simulated workspace: definitions and time in; runs, clusters, logs and tables out.

Time moves when it is told to, or with a speed-up; whatever falls due before is carried out in
order, so that the same seed and the same requests give the same history.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final

from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.simulator.event_log import ROLL_EVERY_S
from isocost.simulator.simulate import EPOCH
from isocost.simulator.workspace.access import Access
from isocost.simulator.workspace.agenda import Action, Agenda
from isocost.simulator.workspace.behaviour import Behaviours
from isocost.simulator.workspace.compute import Machinery
from isocost.simulator.workspace.conductor import ON_START, Conductor, Surroundings
from isocost.simulator.workspace.definitions import (
    DatabricksJob,
    Definitions,
    check,
    entries_of,
    merged,
    with_defaults,
)
from isocost.simulator.workspace.faults import ApiFaults
from isocost.simulator.workspace.file_tree import FileTree
from isocost.simulator.workspace.log_files import Deliveries
from isocost.simulator.workspace.policies import (
    definition_of,
    violations,
    with_policy_values,
)
from isocost.simulator.workspace.quartz import schedule
from isocost.simulator.workspace.refusal import invalid, not_found, policy_violation
from isocost.simulator.workspace.run_book import RunBook
from isocost.simulator.workspace.runs import Result, Run
from isocost.simulator.workspace.values import Json, drawn_id, hex_id
from isocost.simulator.workspace.virtual_clock import VirtualClock
from isocost.simulator.workspace.webhooks import Notifications

REGIONS: Final[Mapping[Cloud, str]] = {Cloud.AWS: "us-east-1", Cloud.AZURE: "eastus"}
# Rows of system tables come some hours later in a real account; an hour is about the shortest
# that users report, and is enough for a reader to have to wait.
TABLE_DELAY_S: Final = 3_600.0
_LONGEST_LEAP: Final = timedelta(days=7)
_PERIODS: Final = {
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "DAYS": timedelta(days=1),
    "WEEKS": timedelta(weeks=1),
}
# Eleven days a second: more runs than can be simulated meanwhile, and no moment that Python lacks.
_FASTEST: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class WorkspaceOptions:
    """What kind of workspace it is.

    Attributes:
        seed: everything that is drawn follows from it.
        region: empty for the cloud's usual one.
        speed_up: virtual seconds for each real one; 0 moves time only when asked.
        is_leaping: a run that somebody triggers is over when the answer comes: time leaps to its
            end.
        roll_every_s: length of a part of an event log.
    """

    cloud: Cloud = Cloud.AWS
    region: str = ""
    seed: int = 1
    start_at: datetime = EPOCH
    speed_up: float = 0.0
    is_leaping: bool = True
    roll_every_s: int = ROLL_EVERY_S
    table_delay_s: float = TABLE_DELAY_S

    def __post_init__(self) -> None:
        if not 0 <= self.speed_up <= _FASTEST:
            raise InvalidInput(
                f"A workspace's speed-up is 0 to {_FASTEST:,.0f} of its seconds for each real "
                f"one; got {self.speed_up}. Correct it."
            )
        if not 0 <= self.table_delay_s < inf:
            raise InvalidInput(
                "Rows of a workspace's system tables come after 0 s or more; got "
                f"{self.table_delay_s} s. Correct the delay."
            )


class Workspace:
    """One workspace; hold `lock` around every use, calls of webhooks excepted.

    Attributes:
        host: the server's address, for links in answers.
        edits: settings to merge into a databricks job once somebody has read it.
    """

    def __init__(self, options: WorkspaceOptions) -> None:
        self.options = options
        self.lock = threading.RLock()
        self.host = "http://127.0.0.1"
        self.clock = VirtualClock(options.start_at, speed_up=options.speed_up)
        self.agenda = Agenda()
        self.access = Access()
        self.faults = ApiFaults()
        self.definitions = Definitions(options.seed)
        self.behaviours = Behaviours(options.seed, options.start_at)
        self.machinery = Machinery(options.cloud, options.region or REGIONS[options.cloud])
        self.policies: dict[str, Json] = {}
        self.existing: dict[str, Json] = {}
        self.notifications = Notifications(options.seed)
        self.runs = RunBook()
        self.edits: dict[int, list[Json]] = {}
        self.workspace_id = drawn_id(options.seed, options.cloud.value, "workspace", digits=16)
        self.warehouse_id = hex_id(options.seed, options.cloud.value, "warehouse", length=16)
        around = Surroundings(
            seed=options.seed,
            machinery=self.machinery,
            behaviours=self.behaviours,
            policies=self.policies,
            agenda=self.agenda,
            tell=self._tell,
            zone=f"{self.machinery.region}a",
        )
        self.clusters = around.clusters
        self.full_runs = around.full_runs
        self.conductor = Conductor(around)
        self.deliveries = Deliveries(around.full_runs, roll_every_s=options.roll_every_s)
        self.files = FileTree(self.deliveries, self.clusters)
        self._ended: list[Run] = []

    @property
    def now(self) -> datetime:
        """The present moment in the workspace."""
        return self.clock.now

    def catch_up(self) -> None:
        """Carry out what the speed-up has made due."""
        self._run_until(self.clock.wanted())

    def advance_to(self, at: datetime) -> None:
        """Carry out everything due by `at`, and make it `at`."""
        self._run_until(at)
        self.clock.jump_to(at)

    def advance_until_run_ends(self, until: datetime) -> Run | None:
        """Go on until some run ends, but not beyond `until`; returns that run."""
        while True:
            self._ended.clear()
            entry = self.agenda.pop_due(until)
            if entry is None:
                self.clock.jump_to(until)
                return None
            self._carry_out(*entry)
            if self._ended:
                self.clock.jump_to(self.now)
                return self._ended[0]

    def create_job(self, settings: Mapping[str, Any], creator: str) -> DatabricksJob:
        """Keep a new definition; raises Refusal if it, or a cluster of it, is not allowed."""
        settings = self._admitted(settings)
        made = self.definitions.create(settings, creator, self.now)
        self._plan_next(made)
        return made

    def reset_job(self, job_id: int, settings: Mapping[str, Any]) -> None:
        """Put new settings in place of the old ones; raises Refusal as `create_job` does."""
        self.definitions.get(job_id)
        self._plan_next(self.definitions.replace(job_id, self._admitted(settings)))

    def update_job(self, job_id: int, changes: Mapping[str, Any], removed: list[str]) -> None:
        """Change some settings; raises Refusal as `create_job` does."""
        self.reset_job(job_id, merged(self.definitions.get(job_id).settings, changes, removed))

    def edit_after_read(self, job_id: int) -> None:
        """Carry out the edit by somebody else that was ordered for the next read."""
        waiting = self.edits.get(job_id)
        if waiting:
            self.update_job(job_id, waiting.pop(0), [])

    def trigger(
        self,
        databricks_job: DatabricksJob,
        trigger: str,
        *,
        creator: str = "",
        parameters: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> Run:
        """Begin a run, queue it, or note that there were too many."""
        settings = databricks_job.settings
        active = [r for r in self.runs.open() if r.job_id == databricks_job.job_id]
        databricks_job.run_count += 1
        number = databricks_job.run_count
        run = Run(
            run_id=drawn_id(self.options.seed, databricks_job.job_id, "run", number),
            job_id=databricks_job.job_id,
            number=number,
            settings=with_defaults(settings),
            creator_user_name=creator or databricks_job.creator_user_name,
            trigger=trigger,
            requested_at=self.now,
            parameters=parameters or {},
        )
        self.runs.add(run, token)
        if len(active) < int(settings.get("max_concurrent_runs", 1)):
            self.conductor.begin(run, self.now)
        elif (settings.get("queue") or {}).get("enabled"):
            run.queued_at = self.now
        else:
            run.skipped, run.ended_at = Result.TOO_MANY_RUNS, self.now
        return run

    def submit(self, settings: Mapping[str, Any], creator: str, token: str = "") -> Run:
        """Begin a one-time run."""
        settings = self._admitted(settings)
        number = len(self.runs)
        run_id = drawn_id(self.options.seed, "submitted", number)
        run = Run(run_id, None, number, dict(settings), creator, "ONE_TIME", self.now)
        self.runs.add(run, token)
        self.conductor.begin(run, self.now)
        return run

    def cancel(self, run: Run) -> None:
        """End a run at once, and start what waited for it."""
        self.conductor.stop(run, self.now, Result.CANCELED, message="Run cancelled.")
        self._start_queued()

    def leap_over(self, run: Run) -> None:
        """Move time to the end of a run, in a workspace that leaps; but not by more than a week.

        A run that is tried again for ever has no end.
        """
        if not self.options.is_leaping:
            return
        until = self.now + _LONGEST_LEAP
        while not run.is_over:
            entry = self.agenda.pop_due(until)
            if entry is None:
                break
            self._carry_out(*entry)
        self.clock.jump_to(self.now)

    def _run_until(self, until: datetime) -> None:
        while True:
            entry = self.agenda.pop_due(until)
            if entry is None:
                break
            self._carry_out(*entry)
        self.clock.move_to(until)

    def _carry_out(self, at: datetime, action: Action) -> None:
        self.clock.move_to(at)
        action()
        self._start_queued()

    def _start_queued(self) -> None:
        for run in self.runs.open():
            if run.began_at is not None:
                continue
            most = int(run.settings.get("max_concurrent_runs", 1))
            begun = [r for r in self.runs.open() if r.job_id == run.job_id and r.began_at]
            if len(begun) < most:
                self.conductor.begin(run, self.now)

    def _admitted(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return settings whose clusters can be had and obey their policies; raises Refusal."""
        check(settings)
        _check_schedule(settings)
        owners = [*entries_of(settings, "tasks"), *entries_of(settings, "job_clusters")]
        for owner in owners:
            spec = owner.get("new_cluster")
            if spec:
                self._check_cluster(spec)
        return settings

    def _check_cluster(self, spec: Json) -> None:
        policy_id = spec.get("policy_id")
        if policy_id is not None and policy_id not in self.policies:
            raise not_found(f"Can't find a cluster policy with id: {policy_id}.")
        rules = definition_of(self.policies[policy_id]) if policy_id else {}
        if spec.get("apply_policy_default_values"):
            spec = with_policy_values(spec, rules)
        self.machinery.cluster(spec)
        found = violations(spec, rules, lambda: self.machinery.dbu_per_hour(spec))
        if found:
            raise policy_violation(found)

    def _plan_next(self, databricks_job: DatabricksJob) -> None:
        """Put the next run by schedule on the agenda; an edit makes what stands there void."""
        job_id, revision = databricks_job.job_id, databricks_job.revision
        at = _next_fire(databricks_job.settings, self.now, databricks_job.created_at)
        if at is not None:
            self.agenda.add(at, lambda: self._fire(job_id, revision))

    def _fire(self, job_id: int, revision: int) -> None:
        found = self.definitions.any_of(job_id)
        if found is None or found.is_deleted or found.revision != revision:
            return
        self.trigger(found, "PERIODIC")
        self._plan_next(found)

    def _tell(self, run: Run, event: str) -> None:
        """Have the webhooks of a run called; `event` is `on_start` or how it ended."""
        if event != ON_START:
            self._ended.append(run)
        wanted = (run.settings.get("webhook_notifications") or {}).get(event) or []
        for each in wanted:
            self.notifications.send(str(each.get("id")), self._payload(run, event))

    def _payload(self, run: Run, event: str) -> Json:
        # docs.databricks.com, "Add notifications on a job", example of a webhook's payload.
        return {
            "event_type": f"jobs.{event}",
            "workspace_id": str(self.workspace_id),
            "run": {"run_id": str(run.run_id)},
            "job": {"job_id": str(run.job_id or ""), "name": run.name},
        }


def _check_schedule(settings: Mapping[str, Any]) -> None:
    plan = settings.get("schedule")
    if plan:
        schedule(str(plan.get("quartz_cron_expression")), str(plan.get("timezone_id")))
    periodic = (settings.get("trigger") or {}).get("periodic")
    if periodic and periodic.get("unit") not in _PERIODS:
        raise invalid(f"Invalid unit of a periodic trigger: {periodic.get('unit')}")


def _next_fire(
    settings: Mapping[str, Any], now: datetime, created_at: datetime
) -> datetime | None:
    plan, trigger = settings.get("schedule") or {}, settings.get("trigger") or {}
    if plan and plan.get("pause_status") != "PAUSED":
        when = schedule(str(plan["quartz_cron_expression"]), str(plan["timezone_id"]))
        return when.next_after(now)
    periodic = trigger.get("periodic")
    if periodic and trigger.get("pause_status") != "PAUSED":
        period = _PERIODS[periodic["unit"]] * int(periodic["interval"])
        return created_at + period * ((now - created_at) // period + 1)
    return None
