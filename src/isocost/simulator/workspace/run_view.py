"""A run at a moment in, its JSON as Databricks' `jobs/runs/get` and `list` state it out."""

from datetime import datetime
from typing import Final

from isocost.simulator.workspace.definitions import entries_of
from isocost.simulator.workspace.runs import EntryRun, Result, Run, Step
from isocost.simulator.workspace.values import Json, ms

_OLD_STEPS: Final = {
    Step.WAITING: "BLOCKED",
    Step.PENDING: "PENDING",
    Step.RUNNING: "RUNNING",
    Step.TERMINATED: "TERMINATED",
}
_CODES: Final = {
    Result.SUCCESS: "SUCCESS",
    Result.FAILED: "RUN_EXECUTION_ERROR",
    Result.TIMED_OUT: "RUN_EXECUTION_ERROR",
    Result.CANCELED: "USER_CANCELED",
    Result.UPSTREAM_FAILED: "SKIPPED",
    Result.UPSTREAM_CANCELED: "SKIPPED",
    Result.EXCLUDED: "SKIPPED",
    Result.TOO_MANY_RUNS: "MAX_CONCURRENT_RUNS_EXCEEDED",
}
_LEFT_OUT: Final = {Result.UPSTREAM_FAILED, Result.UPSTREAM_CANCELED, Result.EXCLUDED}


def run_view(run: Run, now: datetime, *, host: str, has_details: bool) -> Json:
    """Return a run; `has_details` adds its entries and clusters."""
    view: Json = {
        "run_id": run.run_id,
        "number_in_job": run.number,
        "creator_user_name": run.creator_user_name,
        "run_name": run.name,
        "run_page_url": f"{host}/?o=0#job/{run.job_id or 0}/run/{run.run_id}",
        "run_type": "SUBMIT_RUN" if run.job_id is None else "JOB_RUN",
        "trigger": run.trigger,
        "format": "MULTI_TASK",
        "original_attempt_run_id": run.run_id,
        "start_time": ms(run.began_at or run.requested_at),
        "state": _state(run, now),
        "status": _status(run, now),
        **_durations(run, now),
    }
    if run.job_id is not None:
        view["job_id"] = run.job_id
    if run.settings.get("schedule"):
        view["schedule"] = run.settings["schedule"]
    if run.parameters:
        view["overriding_parameters"] = dict(run.parameters)
    if has_details:
        view["tasks"] = [entry_view(entry, now, host=host) for entry in run.entries]
        view["job_clusters"] = entries_of(run.settings, "job_clusters")
    return view


def repair_history(run: Run, now: datetime) -> list[Json]:
    """Return the run's attempts as a whole: the original and its repairs."""
    repaired = {run_id for repair in run.repairs for run_id in repair.run_ids}
    first = [entry for entry in run.entries if entry.run_id not in repaired]
    history = [_attempt_view(run.run_id, "ORIGINAL", first, now=now)]
    for repair in run.repairs:
        own = [entry for entry in run.entries if entry.run_id in repair.run_ids]
        history.append(_attempt_view(repair.repair_id, "REPAIR", own, now=now))
    return history


def _attempt_view(attempt_id: int, kind: str, entries: list[EntryRun], *, now: datetime) -> Json:
    ends = [entry.ended_at for entry in entries if entry.is_over(now) and entry.ended_at]
    starts = [entry.started_at for entry in entries if entry.started_at]
    is_over = len(ends) == len(entries)
    is_good = all(entry.result is Result.SUCCESS for entry in entries)
    state: Json = {"life_cycle_state": "TERMINATED" if is_over else "RUNNING"}
    if is_over:
        state["result_state"] = "SUCCESS" if is_good else "FAILED"
    view: Json = {"type": kind, "state": state, "task_run_ids": [e.run_id for e in entries]}
    if kind == "REPAIR":
        view["id"] = attempt_id
    if starts:
        view["start_time"] = ms(min(starts))
    if is_over and ends:
        view["end_time"] = ms(max(ends))
    return view


def entry_view(entry: EntryRun, now: datetime, *, host: str) -> Json:
    """Return one attempt of one entry."""
    view: Json = {
        **entry.definition,
        "run_id": entry.run_id,
        "attempt_number": entry.attempt,
        "run_page_url": f"{host}/?o=0#job/run/{entry.run_id}",
        "state": _entry_state(entry, now),
        "status": _entry_status(entry, now),
    }
    # Databricks states 0 for what has not happened yet.
    view["start_time"] = ms(entry.started_at) if entry.started_at else 0
    view["end_time"] = ms(entry.ended_at) if entry.is_over(now) and entry.ended_at else 0
    view |= _entry_durations(entry, now)
    if entry.cluster is not None:
        context_at = entry.cluster.application_started_at
        instance: Json = {"cluster_id": entry.cluster.cluster_id}
        if context_at is not None and now >= context_at:
            instance["spark_context_id"] = str(entry.cluster.identity.spark_context_id)
        view["cluster_instance"] = instance
    elif entry.definition.get("existing_cluster_id"):
        view["cluster_instance"] = {"cluster_id": entry.definition["existing_cluster_id"]}
    return view


def _entry_durations(entry: EntryRun, now: datetime) -> Json:
    if entry.started_at is None:
        return {"setup_duration": 0, "execution_duration": 0, "cleanup_duration": 0}
    end = entry.ended_at if entry.is_over(now) and entry.ended_at else now
    running_at = entry.running_at
    ran_at = running_at if running_at is not None and running_at <= end else end
    return {
        "setup_duration": ms(ran_at) - ms(entry.started_at),
        "execution_duration": ms(end) - ms(ran_at),
        "cleanup_duration": 0,
    }


def _entry_state(entry: EntryRun, now: datetime) -> Json:
    step = entry.step(now)
    if step is not Step.TERMINATED or entry.result is None:
        return {"life_cycle_state": _OLD_STEPS[step], "state_message": ""}
    word = "INTERNAL_ERROR" if entry.is_error else "TERMINATED"
    if entry.result in _LEFT_OUT:
        word = "SKIPPED"
    return {
        "life_cycle_state": word,
        "result_state": entry.result.value,
        "state_message": entry.message,
        "user_cancelled_or_timedout": entry.result in {Result.CANCELED, Result.TIMED_OUT},
    }


def _entry_status(entry: EntryRun, now: datetime) -> Json:
    step = entry.step(now)
    if step is not Step.TERMINATED or entry.result is None:
        return {"state": step.value}
    return _ended_status(entry.result, entry.code, entry.message)


def _ended_status(result: Result, code: str, message: str) -> Json:
    code = code or _CODES[result]
    kind = {"CLOUD_FAILURE": "CLOUD_FAILURE", "SUCCESS": "SUCCESS"}.get(code, "CLIENT_ERROR")
    details = {"code": code, "type": kind, "message": message}
    return {"state": "TERMINATED", "termination_details": details}


def _state(run: Run, now: datetime) -> Json:
    result = run.result()
    if result is None:
        return {"life_cycle_state": _going_on(run, now, "QUEUED"), "state_message": ""}
    failed = run.failed_entry()
    word = "INTERNAL_ERROR" if failed is not None and failed.is_error else "TERMINATED"
    if run.skipped is not None:
        word = "SKIPPED"
    return {
        "life_cycle_state": word,
        "result_state": result.value,
        "state_message": _message(run),
        "user_cancelled_or_timedout": result in {Result.CANCELED, Result.TIMED_OUT},
    }


def _message(run: Run) -> str:
    failed = run.failed_entry()
    if run.skipped is not None:
        return "Skipped: the maximum of concurrent runs has been reached."
    if failed is None:
        return ""
    return f"Task {failed.key} failed with message: {failed.message}"


def _status(run: Run, now: datetime) -> Json:
    result = run.result()
    if result is None:
        return {"state": _going_on(run, now, "QUEUED")}
    failed = run.failed_entry()
    return _ended_status(result, failed.code if failed else "", _message(run))


def _going_on(run: Run, now: datetime, waiting: str) -> str:
    if run.began_at is None:
        return waiting
    steps = {entry.step(now) for entry in run.entries}
    return "RUNNING" if steps & {Step.RUNNING, Step.TERMINATED} else "PENDING"


def _durations(run: Run, now: datetime) -> Json:
    end = run.ended_at or now
    began = run.began_at or run.requested_at
    view: Json = {"end_time": ms(run.ended_at) if run.ended_at else 0}
    view["run_duration"] = ms(end) - ms(began)
    if run.queued_at is not None:
        view["queue_duration"] = ms(began) - ms(run.queued_at)
    if len(run.latest()) == 1:
        # A run of one entry repeats its phases.
        (entry,) = run.latest().values()
        view |= _entry_durations(entry, now)
    return view
