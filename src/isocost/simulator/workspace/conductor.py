"""Carries runs through: what may start starts, clusters come and go, ends lead to what is next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.simulator.identity import RunIdentity, spark_context_id_from_seed
from isocost.simulator.run import SimulatedRun
from isocost.simulator.workspace.agenda import Agenda
from isocost.simulator.workspace.behaviour import Behaviours
from isocost.simulator.workspace.clusters import FullRuns, JobCluster, Recipe, outline_of
from isocost.simulator.workspace.compute import Machinery
from isocost.simulator.workspace.definitions import entries_of, order_of
from isocost.simulator.workspace.joining import Joined, join, span_s
from isocost.simulator.workspace.policies import definition_of, with_policy_values
from isocost.simulator.workspace.rates import rate_card
from isocost.simulator.workspace.refusal import Refusal
from isocost.simulator.workspace.runs import EntryRun, Repair, Result, Run
from isocost.simulator.workspace.values import Json, drawn_id, hex_id, seed_of

# What has no cluster of its own to simulate (serverless, warehouses, pipelines) is given this many
# cores and seconds of start-up: such runs are not what Isocost optimizes, but they must end.
_ELSEWHERE_CORES: Final = 32
_ELSEWHERE_START_S: Final = 20.0

# What is told of a run, in the words of `webhook_notifications`.
ON_START: Final = "on_start"
ON_SUCCESS: Final = "on_success"
ON_FAILURE: Final = "on_failure"

Told = Callable[[Run, str], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs need of their workspace.

    Attributes:
        policies: by ID, as the API shows them.
        tell: is told of each run's beginning and end (`on_start`, `on_success`, `on_failure`).
    """

    seed: int
    machinery: Machinery
    behaviours: Behaviours
    policies: Mapping[str, Json]
    agenda: Agenda
    tell: Told
    zone: str = ""
    full_runs: FullRuns = field(default_factory=FullRuns)
    clusters: dict[str, JobCluster] = field(default_factory=dict)


class Conductor:
    """Moves runs; `now` is told with every call."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def begin(self, run: Run, now: datetime) -> None:
        """Start a run: its first entries, and its time limit."""
        run.began_at = now
        for definition in _in_order(run.settings):
            run.entries.append(self._attempt(run, definition, 0))
        limit_s = int(run.settings.get("timeout_seconds") or 0)
        if limit_s:
            end_at = now + timedelta(seconds=limit_s)
            self._at(end_at, lambda: self._time_out(run, end_at))
        self._around.tell(run, ON_START)
        self.step(run, now)

    def stop(self, run: Run, now: datetime, result: Result, *, message: str) -> None:
        """End a run at once, with all that runs in it."""
        if run.is_over:
            return
        for entry in run.entries:
            entry.cut(now, result, message)
        for cluster in run.clusters:
            if cluster.terminating_at > now:
                cluster.cut_at = now
        run.stopped = result
        self._finish(run, now)

    def repair(self, run: Run, keys: list[str], now: datetime) -> Repair:
        """Begin new attempts of some entries of a run that has ended."""
        repair_id = drawn_id(self._around.seed, run.run_id, "repair", len(run.repairs))
        repair = Repair(repair_id, now)
        latest = run.latest()
        for key in order_of(entries_of(run.settings, "tasks")):
            if key in keys:
                attempt = self._attempt(run, latest[key].definition, latest[key].attempt + 1)
                run.entries.append(attempt)
                repair.run_ids.append(attempt.run_id)
        run.repairs.append(repair)
        run.ended_at = run.stopped = None
        self.step(run, now)
        return repair

    def step(self, run: Run, now: datetime) -> None:
        """Start whatever can start now; end the run if nothing is left."""
        if run.is_over:
            return
        self._retry(run, now)
        while self._leave_out(run, now):
            pass
        for keys in self._startable(run, now):
            self._start(run, keys, now)
        if all(entry.is_over(now) for entry in run.latest().values()):
            self._finish(run, now)

    def _finish(self, run: Run, now: datetime) -> None:
        run.ended_at = now
        is_good = run.result() is Result.SUCCESS
        self._around.tell(run, ON_SUCCESS if is_good else ON_FAILURE)

    def _at(self, at: datetime, action: Callable[[], None]) -> None:
        self._around.agenda.add(at, action)

    def _time_out(self, run: Run, at: datetime) -> None:
        self.stop(run, at, Result.TIMED_OUT, message="Run timed out.")

    def _attempt(self, run: Run, definition: Json, attempt: int) -> EntryRun:
        run_id = drawn_id(self._around.seed, run.run_id, definition["task_key"], attempt)
        return EntryRun(definition, run_id, attempt)

    def _retry(self, run: Run, now: datetime) -> None:
        again = {Result.FAILED}
        for entry in list(run.latest().values()):
            most = int(entry.definition.get("max_retries") or 0)
            if not entry.is_over(now) or (most >= 0 and entry.attempt >= most):
                continue
            may = {Result.TIMED_OUT} if entry.definition.get("retry_on_timeout") else set()
            if entry.result in again | may and not run.repairs:
                run.entries.append(self._attempt(run, entry.definition, entry.attempt + 1))

    def _leave_out(self, run: Run, now: datetime) -> bool:
        """End entries that will not run, given how others ended; say whether there were any."""
        latest = run.latest()
        changed = False
        for entry in latest.values():
            before = [latest[key] for key in entry.before]
            if entry.is_planned or not all(other.is_over(now) for other in before):
                continue
            verdict = _verdict(entry, before)
            if verdict is not None:
                entry.cut(now, verdict, "")
                changed = True
        return changed

    def _startable(self, run: Run, now: datetime) -> list[list[str]]:
        """Return groups of entries that start now; a group shares one cluster."""
        latest = run.latest()
        busy = {
            _shared_key(entry)
            for entry in latest.values()
            if entry.is_planned and not entry.is_over(now)
        }
        groups: dict[str, list[str]] = {}
        for key in order_of(entries_of(run.settings, "tasks")):
            entry = latest.get(key)
            if entry is None or entry.is_planned:
                continue
            shared = _shared_key(entry)
            mates = groups.get(shared, []) if shared else []
            is_ready = all(latest[b].is_over(now) or b in mates for b in entry.before)
            if is_ready and (not shared or shared not in busy):
                groups.setdefault(shared or f"alone {key}", []).append(key)
        return list(groups.values())

    def _start(self, run: Run, keys: list[str], now: datetime) -> None:
        latest = run.latest()
        entries = [latest[key] for key in keys]
        spec = _cluster_spec(run.settings, entries[0].definition)
        try:
            if spec is None:
                self._start_elsewhere(run, entries[0], now)
            else:
                self._start_cluster(run, entries, spec, now=now)
        except (Refusal, InvalidInput) as error:
            for entry in entries:
                entry.cut(
                    now, Result.FAILED, f"Unexpected failure while creating the cluster: {error}"
                )
                entry.code, entry.is_error = "INVALID_CLUSTER_REQUEST", True
        for entry in entries:
            self._limit(run, entry)
            self._step_after(run, entry)

    def _step_after(self, run: Run, entry: EntryRun) -> None:
        at = entry.ended_at
        if at is not None:
            self._at(at, lambda: self.step(run, at))

    def _limit(self, run: Run, entry: EntryRun) -> None:
        """Shorten an entry's plan to its own time limit."""
        limit_s = int(entry.definition.get("timeout_seconds") or 0)
        if not limit_s or entry.started_at is None or entry.ended_at is None:
            return
        end_at = entry.started_at + timedelta(seconds=limit_s)
        if end_at < entry.ended_at:
            entry.cut(end_at, Result.TIMED_OUT, "Timed out")
            cluster = entry.cluster
            if cluster is not None and not any(
                other.cluster is cluster and other is not entry for other in run.entries
            ):
                cluster.cut_at = end_at

    def _start_elsewhere(self, run: Run, entry: EntryRun, now: datetime) -> None:
        """Plan an entry that runs on compute which is not simulated."""
        workload = self._around.behaviours.workload(run.job_id, entry.key, now)
        scale = self._around.behaviours.conditions(run.job_id, now).input_scale
        work_s = sum(stage.cpu_s for stage in workload.at_scale(scale).stages)
        entry.started_at = now
        entry.running_at = now + timedelta(seconds=_ELSEWHERE_START_S)
        entry.ended_at = entry.running_at + timedelta(seconds=work_s / _ELSEWHERE_CORES)
        entry.result = Result.SUCCESS

    def _start_cluster(
        self, run: Run, entries: list[EntryRun], spec: Json, *, now: datetime
    ) -> None:
        """Create a cluster, simulate what runs on it, and plan its entries by that."""
        around = self._around
        spec = self._with_policy(spec)
        workloads = {e.key: around.behaviours.workload(run.job_id, e.key, now) for e in entries}
        joined = join(run.name, workloads, {entry.key: entry.before for entry in entries})
        # Named by what it is for, not by when it came up: the same run gets the same noise
        # whatever else goes on in the workspace.
        place = "+".join(f"{entry.key}#{entry.attempt}" for entry in entries)
        seed = seed_of(around.seed, run.job_id, run.number, place)
        recipe = Recipe(
            workload=joined.workload,
            cluster=around.machinery.cluster(spec),
            conditions=around.behaviours.conditions(run.job_id, now),
            seed=seed,
            requested_at=now,
        )
        whole = recipe.carry_out()
        cluster = self._cluster(run, entries[0], spec, recipe=recipe, whole=whole)
        around.full_runs.keep(cluster.cluster_id, whole)
        around.clusters[cluster.cluster_id] = cluster
        run.clusters.append(cluster)
        for entry in entries:
            _plan(entry, cluster, whole, joined=joined)

    def _with_policy(self, spec: Json) -> Json:
        policy = self._around.policies.get(str(spec.get("policy_id")))
        if policy is None or not spec.get("apply_policy_default_values"):
            return spec
        return with_policy_values(spec, definition_of(policy))

    def _cluster(
        self, run: Run, entry: EntryRun, spec: Json, *, recipe: Recipe, whole: SimulatedRun
    ) -> JobCluster:
        around, now = self._around, recipe.requested_at
        cluster_id = f"{now:%m%d-%H%M%S}-{hex_id(around.seed, run.run_id, recipe.seed)}"
        key = entry.definition.get("job_cluster_key") or entry.key
        name = f"job-{run.job_id or run.run_id}-run-{run.run_id}-{key}"
        root = log_root_of(spec, cluster_id)
        identity = RunIdentity(
            application_id=f"app-{now:%Y%m%d%H%M%S}-0000",
            spark_context_id=spark_context_id_from_seed(recipe.seed),
            cluster_id=cluster_id,
            cluster_name=name,
            region=around.machinery.region,
            zone=around.zone if around.machinery.cloud is Cloud.AWS else "",
            databricks_job_id="" if run.job_id is None else str(run.job_id),
            databricks_run_id=str(entry.run_id),
            log_destination=root.rpartition("/")[0],
        )
        return JobCluster(
            cluster_id=cluster_id,
            name=name,
            spec=spec,
            job_id=run.job_id,
            run_id=run.run_id,
            run_name=run.name,
            creator_user_name=run.creator_user_name,
            identity=identity,
            recipe=recipe,
            outline=outline_of(whole),
            log_root=root,
            dbu_factor=rate_card(
                around.machinery, is_photon=recipe.cluster.is_photon
            ).dbu_multiplier,
        )


def log_root_of(spec: Mapping[str, Any], cluster_id: str) -> str:
    """Return the folder of a cluster's logs; empty if it delivers none."""
    places = spec.get("cluster_log_conf") or {}
    for place in places.values():
        destination = str(place.get("destination") or "").rstrip("/")
        if destination:
            return f"{destination}/{cluster_id}"
    return ""


def _in_order(settings: Json) -> list[Json]:
    definitions = {each["task_key"]: each for each in entries_of(settings, "tasks")}
    return [definitions[key] for key in order_of(list(definitions.values()))]


def _shared_key(entry: EntryRun) -> str:
    return str(entry.definition.get("job_cluster_key") or "")


def _cluster_spec(settings: Json, definition: Json) -> Json | None:
    """Return the `new_cluster` that an entry runs on; None if it runs on none of its own."""
    if definition.get("new_cluster"):
        own: Json = definition["new_cluster"]
        return own
    key = definition.get("job_cluster_key")
    for each in entries_of(settings, "job_clusters"):
        if key is not None and each.get("job_cluster_key") == key:
            shared: Json = each.get("new_cluster") or {}
            return shared
    return None


def _verdict(entry: EntryRun, before: list[EntryRun]) -> Result | None:
    """Return why an entry must not run; None if it may (`run_if` of its definition)."""
    results = [other.result for other in before]
    good = [result in {Result.SUCCESS, Result.EXCLUDED} for result in results]
    rule = entry.definition.get("run_if") or "ALL_SUCCESS"
    may_run = {
        "ALL_SUCCESS": all(good),
        "ALL_DONE": True,
        "NONE_FAILED": not any(r in {Result.FAILED, Result.TIMED_OUT} for r in results),
        "AT_LEAST_ONE_SUCCESS": any(good) or not good,
        "ALL_FAILED": not any(good),
        "AT_LEAST_ONE_FAILED": not all(good),
    }.get(rule, all(good))
    if may_run:
        return None
    if rule in {"ALL_FAILED", "AT_LEAST_ONE_FAILED"}:
        return Result.EXCLUDED
    is_canceled = Result.CANCELED in results
    return Result.UPSTREAM_CANCELED if is_canceled else Result.UPSTREAM_FAILED


def _plan(entry: EntryRun, cluster: JobCluster, run: SimulatedRun, *, joined: Joined) -> None:
    """Set an entry's times and result; one that never got to start waits on, if others failed."""
    begin_s, end_s = span_s(run, joined, entry.key)
    stopped_s = run.released_s if run.application_end_s is None else run.application_end_s
    if begin_s is None and run.application_start_s is not None:
        return
    entry.cluster = cluster
    is_first = not joined.after[entry.key]
    entry.started_at = run.requested_at if is_first or begin_s is None else run.at(begin_s)
    entry.running_at = None if begin_s is None else run.at(begin_s)
    entry.ended_at = run.at(stopped_s if end_s is None else end_s)
    entry.result = Result.SUCCESS if end_s is not None else Result.FAILED
    if end_s is None:
        entry.message = run.message or "Workload failed, see run output for details"
        entry.is_error = run.application_start_s is None
        entry.code = "CLOUD_FAILURE" if entry.is_error else "RUN_EXECUTION_ERROR"
