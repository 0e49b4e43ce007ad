"""Requests of the Jobs API 2.1 and 2.2 in, its answers out."""

from copy import deepcopy
from typing import Final, TypeVar

from isocost.simulator.server.calls import Answer, Call, Endpoint, page, page_start
from isocost.simulator.workspace.access import Right
from isocost.simulator.workspace.definitions import DatabricksJob, base_view, entries_of
from isocost.simulator.workspace.refusal import Refusal, invalid
from isocost.simulator.workspace.run_view import entry_view, repair_history, run_view
from isocost.simulator.workspace.runs import Result, Run
from isocost.simulator.workspace.values import Json, ms

Item = TypeVar("Item")

_LIST_LIMIT: Final = 20
_LIST_MOST: Final = 100
_RUNS_MOST: Final = 25
# Version 2.2 shows long arrays by pages of this many (docs, "Updating from Jobs API 2.1 to 2.2").
_ARRAY_PAGE: Final = 100
_ARRAYS: Final = ("tasks", "job_clusters", "environments", "parameters")
_PARAMETERS: Final = (
    "job_parameters",
    "jar_params",
    "notebook_params",
    "python_params",
    "python_named_params",
    "spark_submit_params",
    "sql_params",
    "dbt_commands",
)


def list_jobs(call: Call) -> Answer:
    """Answer `jobs/list`, newest first."""
    call.demand(Right.READ_JOBS)
    limit = _limit(call, _LIST_LIMIT, _LIST_MOST)
    name = call.query.get("name")
    found = [
        each
        for each in reversed(list(call.workspace.definitions))
        if call.identity.sees(each.job_id)
        and (name is None or str(each.settings["name"]).lower() == name.lower())
    ]
    shown, tokens = _paged(call, found, limit)
    views = [_listed(call, each) for each in shown]
    return {"jobs": views, **tokens} if views else tokens


def _listed(call: Call, databricks_job: DatabricksJob) -> Json:
    settings = deepcopy(databricks_job.settings)
    view = base_view(databricks_job)
    if not call.flag("expand_tasks"):
        for name in _ARRAYS[:2]:
            settings.pop(name, None)
    elif call.version == "2.2":
        settings, has_more = _array_page(settings, 0)
        if has_more:
            view["has_more"] = True
    return {**view, "settings": settings}


def get_job(call: Call) -> Answer:
    """Answer `jobs/get`: in version 2.2 by pages of long arrays."""
    job_id = call.number("job_id")
    call.demand(Right.READ_JOBS, job_id)
    found = call.workspace.definitions.get(job_id)
    settings = deepcopy(found.settings)
    view = base_view(found)
    if call.version == "2.2":
        start = page_start(call.value("page_token"))
        settings, has_more = _array_page(settings, start)
        if has_more:
            view["next_page_token"] = f"p{start + _ARRAY_PAGE}"
    call.workspace.edit_after_read(job_id)
    return {**view, "settings": settings}


def _array_page(settings: Json, start: int) -> tuple[Json, bool]:
    """Return the settings with one page of each array, and whether there are more."""
    has_more = False
    for name in _ARRAYS:
        entries = settings.get(name)
        if isinstance(entries, list):
            has_more = has_more or len(entries) > start + _ARRAY_PAGE
            settings[name] = entries[start : start + _ARRAY_PAGE]
    return settings, has_more


def create_job(call: Call) -> Answer:
    """Answer `jobs/create`."""
    call.demand(Right.WRITE_JOBS)
    workspace = call.workspace
    made = workspace.create_job(call.body, call.identity.user_name)
    twin = workspace.definitions.of_same_code(made)
    if twin is not None:
        workspace.behaviours.repeat(twin.job_id, made.job_id)
    return {"job_id": made.job_id}


def reset_job(call: Call) -> Answer:
    """Answer `jobs/reset`: all settings are replaced."""
    job_id = _writable(call)
    call.workspace.reset_job(job_id, call.body.get("new_settings") or {})
    return {}


def update_job(call: Call) -> Answer:
    """Answer `jobs/update`: some settings are replaced, arrays merged by key."""
    job_id = _writable(call)
    changes = call.body.get("new_settings") or {}
    call.workspace.update_job(job_id, changes, call.body.get("fields_to_remove") or [])
    return {}


def delete_job(call: Call) -> Answer:
    """Answer `jobs/delete`."""
    call.workspace.definitions.delete(_writable(call))
    return {}


def _writable(call: Call) -> int:
    job_id = call.number("job_id")
    call.demand(Right.WRITE_JOBS, job_id)
    call.workspace.definitions.get(job_id)
    return job_id


def run_now(call: Call) -> Answer:
    """Answer `jobs/run-now`; in a workspace that leaps the run is over then."""
    job_id = call.number("job_id")
    call.demand(Right.RUN_JOBS, job_id)
    workspace, token = call.workspace, call.body.get("idempotency_token")
    found = workspace.definitions.get(job_id)
    run = workspace.runs.of_token(token)
    if run is None:
        run = workspace.trigger(
            found,
            "ONE_TIME",
            creator=call.identity.user_name,
            parameters={name: call.body[name] for name in _PARAMETERS if name in call.body},
            token=str(token or ""),
        )
        workspace.leap_over(run)
    return {"run_id": run.run_id, "number_in_job": run.number}


def submit(call: Call) -> Answer:
    """Answer `jobs/runs/submit`."""
    call.demand(Right.RUN_JOBS)
    token = call.body.get("idempotency_token")
    run = call.workspace.runs.of_token(token)
    if run is None:
        user_name = call.identity.user_name
        run = call.workspace.submit(call.body, user_name, str(token or ""))
        call.workspace.leap_over(run)
    return {"run_id": run.run_id}


def list_runs(call: Call) -> Answer:
    """Answer `jobs/runs/list`, newest first."""
    call.demand(Right.READ_JOBS)
    limit = _limit(call, _LIST_LIMIT, _RUNS_MOST)
    if call.flag("active_only") and call.flag("completed_only"):
        raise invalid("active_only and completed_only cannot both be true.")
    found = [run for run in call.workspace.runs.newest_first() if _is_wanted(run, call)]
    shown, tokens = _paged(call, found, limit)
    has_details = call.flag("expand_tasks")
    views = [_run_view(call, run, has_details=has_details) for run in shown]
    return {"runs": views, **tokens} if views else tokens


def _is_wanted(run: Run, call: Call) -> bool:
    job_id = call.value("job_id")
    started_ms = ms(run.began_at or run.requested_at)
    kind = "SUBMIT_RUN" if run.job_id is None else "JOB_RUN"
    return (
        (job_id is None or run.job_id == int(job_id))
        and (run.job_id is None or call.identity.sees(run.job_id))
        and not (call.flag("active_only") and run.is_over)
        and not (call.flag("completed_only") and not run.is_over)
        and call.query.get("run_type", kind) == kind
        and started_ms >= call.number_or("start_time_from", 0)
        and started_ms <= call.number_or("start_time_to", started_ms)
    )


def get_run(call: Call) -> Answer:
    """Answer `jobs/runs/get`, also of a single entry's run."""
    run_id = call.number("run_id")
    found = call.workspace.runs.entry(run_id)
    if found is not None:
        run, entry = found
        call.demand(Right.READ_JOBS, run.job_id)
        view = _run_view(call, run, has_details=False)
        shown = entry_view(entry, call.workspace.now, host=call.workspace.host)
        return {**view, **shown, "tasks": [shown], "job_run_id": run.run_id}
    run = call.workspace.runs.get(run_id)
    call.demand(Right.READ_JOBS, run.job_id)
    view = _run_view(call, run, has_details=True)
    if call.flag("include_history"):
        view["repair_history"] = repair_history(run, call.workspace.now)
    if call.version == "2.2":
        start = page_start(call.value("page_token"))
        view, has_more = _array_page(view, start)
        if has_more:
            view["next_page_token"] = f"p{start + _ARRAY_PAGE}"
    return view


def get_output(call: Call) -> Answer:
    """Answer `jobs/runs/get-output` of one entry's run."""
    run_id = call.number("run_id")
    found = call.workspace.runs.entry(run_id)
    if found is None:
        run = call.workspace.runs.get(run_id)
        latest = list(run.latest().values())
        if len(latest) != 1:
            raise invalid("Retrieving the output of runs with multiple tasks is not supported.")
        found = run, latest[0]
    run, entry = found
    call.demand(Right.READ_JOBS, run.job_id)
    view: Json = {"metadata": _run_view(call, run, has_details=False), "logs": ""}
    is_bad = entry.result not in {None, Result.SUCCESS} and entry.is_over(call.workspace.now)
    return {**view, "error": entry.message} if is_bad else view


def cancel_run(call: Call) -> Answer:
    """Answer `jobs/runs/cancel`."""
    run = call.workspace.runs.get(call.number("run_id"))
    call.demand(Right.RUN_JOBS, run.job_id)
    call.workspace.cancel(run)
    return {}


def repair_run(call: Call) -> Answer:
    """Answer `jobs/runs/repair`."""
    run = call.workspace.runs.get(call.number("run_id"))
    call.demand(Right.RUN_JOBS, run.job_id)
    if not run.is_over:
        raise invalid("Cannot repair a run that is active.")
    keys = list(call.body.get("rerun_tasks") or [])
    if call.body.get("rerun_all_failed_tasks"):
        keys += [k for k, e in run.latest().items() if e.result is not Result.SUCCESS]
    if call.body.get("rerun_dependent_tasks"):
        keys = _with_dependents(run, keys)
    unknown = set(keys) - run.latest().keys()
    if unknown or not keys:
        raise invalid(f"Cannot repair tasks: {', '.join(sorted(unknown)) or 'none is named'}.")
    call.workspace.runs.reopen(run)
    repair = call.workspace.conductor.repair(run, keys, call.workspace.now)
    call.workspace.leap_over(run)
    return {"repair_id": repair.repair_id}


def _with_dependents(run: Run, keys: list[str]) -> list[str]:
    wanted = set(keys)
    for entry in entries_of(run.settings, "tasks") * len(run.latest()):
        if wanted & {d["task_key"] for d in entry.get("depends_on") or []}:
            wanted.add(entry["task_key"])
    return list(wanted)


def _run_view(call: Call, run: Run, *, has_details: bool) -> Json:
    workspace = call.workspace
    return run_view(run, workspace.now, host=workspace.host, has_details=has_details)


def _limit(call: Call, default: int, most: int) -> int:
    limit = call.number_or("limit", default)
    if not 0 <= limit <= most:
        raise Refusal(400, "INVALID_PARAMETER_VALUE", f"limit must be between 1 and {most}.")
    return limit or most


def _paged(call: Call, found: list[Item], limit: int) -> tuple[list[Item], Json]:
    """Return a page of what was found, and what the answer says of the others."""
    token = call.query.get("page_token") or f"p{call.number_or('offset', 0)}"
    shown, following, before = page(found, token, limit)
    tokens: Json = {"has_more": bool(following)}
    if following:
        tokens["next_page_token"] = following
    if before:
        tokens["prev_page_token"] = before
    return shown, tokens


_BOTH: Final = ("2.1", "2.2")
ENDPOINTS: Final = (
    Endpoint("GET", "/api/{version}/jobs/list", list_jobs, _BOTH),
    Endpoint("GET", "/api/{version}/jobs/get", get_job, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/create", create_job, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/reset", reset_job, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/update", update_job, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/delete", delete_job, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/run-now", run_now, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/runs/submit", submit, _BOTH),
    Endpoint("GET", "/api/{version}/jobs/runs/list", list_runs, _BOTH),
    Endpoint("GET", "/api/{version}/jobs/runs/get", get_run, _BOTH),
    Endpoint("GET", "/api/{version}/jobs/runs/get-output", get_output, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/runs/cancel", cancel_run, _BOTH),
    Endpoint("POST", "/api/{version}/jobs/runs/repair", repair_run, _BOTH),
)
