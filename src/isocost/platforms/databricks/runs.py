"""Runs of a databricks job, as lists and single answers show them, in; what they left out.

Repairs, retries and restarts of clusters are parts of the run that they belong to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from isocost.domain.execution import StepSpan
from isocost.errors import Busy, IsocostError, NotFound
from isocost.platforms.databricks.clusters import Attempt, RunClusters
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.definitions import PoolOf, clusters_of, steps_of
from isocost.platforms.databricks.endings import Ending, Result, ending_of
from isocost.platforms.databricks.times import milliseconds, moment
from isocost.platforms.databricks.writing import whole_answer
from isocost.platforms.host import CollectedRun, EndedRun, Settings

_LIST: Final = "/api/2.2/jobs/runs/list"
_GET: Final = "/api/2.2/jobs/runs/get"
_OUTPUT: Final = "/api/2.2/jobs/runs/get-output"
_SEE: Final = "CAN VIEW on the databricks job"
# The most that one page of the list holds (docs.databricks.com/api, "List job runs").
_PAGE: Final = 25
_NO_WORD: Final = {Result.CANCELLED, Result.SKIPPED, Result.HELD_BACK}
# An error's text may hold a whole stack; the first lines say what happened.
_LONGEST_FAILURE: Final = 2_000
# Steps whose output is asked for to say why a run failed: one tells, others are its echoes.
_ASKED_OUTPUTS: Final = 3


def ended_runs(calls: Calls, definition_id: str, since: datetime | None) -> tuple[EndedRun, ...]:
    """Return runs that ended and started at or after `since`, oldest first.

    Raises:
        NotFound: the databricks job is gone.
        PlatformError: it may not be seen.
    """
    query: dict[str, Any] = {"job_id": definition_id, "completed_only": True, "limit": _PAGE}
    if since is not None:
        query["start_time_from"] = milliseconds(since)
    found = _listed(calls, f"listing the runs of databricks job {definition_id}", query)
    if not found:  # of a databricks job that is hidden there are no runs to be seen, either
        whole_answer(calls, definition_id)
    ended = [run for view in found if (run := ended_run(view)) is not None]
    return tuple(sorted(ended, key=lambda run: (run.started_at, run.origin_run_id)))


def last_started_at(calls: Calls, definition_id: str) -> datetime | None:
    """Return when the newest run began, be it over or not; None if there is none."""
    what = f"listing the runs of databricks job {definition_id}"
    query = {"job_id": definition_id, "limit": 1}
    answer = calls.get(what, _LIST, query, grant=_SEE)
    return next((moment(view.get("start_time")) for view in answer.get("runs") or ()), None)


def active_recommendations(
    calls: Calls, definition_id: str, pool_of: PoolOf
) -> tuple[frozenset[str | None], ...]:
    """Return, for each run under way, the recommendation ids of its clusters."""
    query = {"job_id": definition_id, "active_only": True, "expand_tasks": True, "limit": _PAGE}
    found = _listed(calls, f"listing the active runs of databricks job {definition_id}", query)
    return tuple(
        frozenset(
            cluster.recommendation_id
            for cluster in clusters_of(_whole(calls, view), pool_of).values()
        )
        or frozenset([None])
        for view in found
    )


def ended_run(view: Mapping[str, Any]) -> EndedRun | None:
    """Return a run as a list tells of it; None if it has not ended."""
    ending = ending_of(view)
    started_at = moment(view.get("start_time"))
    if ending.result is None or started_at is None:
        return None
    ended_at = moment(view.get("end_time")) or started_at
    is_success = ending.result is Result.SUCCEEDED
    return EndedRun(
        str(view["run_id"]),
        started_at,
        max(started_at, ended_at),
        is_success=is_success,
        is_cancelled=ending.result in _NO_WORD,
        failure=None if is_success else _failure_text(ending),
    )


def collect(calls: Calls, definition_id: str, run_id: str, *, pool_of: PoolOf) -> CollectedRun:
    """Return what a run left; see `Host.collect`."""
    view = _whole_run(calls, run_id)
    if str(view.get("job_id")) != definition_id:
        raise NotFound(
            f"Run {run_id} is none of databricks job {definition_id}, but of "
            f"{view.get('job_id') or 'none'}. Correct the id of the run."
        )
    run = ended_run(view)
    if run is None:
        raise Busy(f"Run {run_id} of databricks job {definition_id} goes on. Wait for its end.")
    attempts = _with_words(calls, attempts_of(view))
    clusters = RunClusters(calls, view, pool_of)
    collected = tuple(clusters.collected(run, attempts))
    return CollectedRun(_with_reason(run, attempts), spans_of(attempts), collected)


def attempts_of(view: Settings) -> tuple[Attempt, ...]:
    """Return every attempt of every step of a run, in order of their start."""
    run_ending = ending_of(view)
    found = []
    for step, raw in zip(steps_of(view), view.get("tasks") or (), strict=True):
        ending = ending_of(raw)
        is_cut = run_ending.result is Result.TIMED_OUT and ending.result is Result.CANCELLED
        instance = raw.get("cluster_instance") or {}
        found.append(
            Attempt(
                step,
                run_id=str(raw.get("run_id") or ""),
                number=int(raw.get("attempt_number") or 0),
                cluster_id=str(instance.get("cluster_id") or ""),
                started_at=moment(raw.get("start_time")),
                ended_at=moment(raw.get("end_time")),
                setup_ms=float(raw.get("setup_duration") or 0),
                ending=replace(ending, result=Result.TIMED_OUT) if is_cut else ending,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.begin, each.number)))


def spans_of(attempts: Sequence[Attempt]) -> tuple[StepSpan, ...]:
    """Return when each attempt ran; those that never began are left out."""
    return tuple(
        StepSpan(
            each.step.step_key,
            each.step.cluster_key,
            each.started_at,
            max(each.started_at, each.ended_at),
            each.step.depends_on,
        )
        for each in attempts
        if each.started_at is not None and each.ended_at is not None
    )


def _listed(calls: Calls, what: str, query: Mapping[str, Any]) -> list[Settings]:
    pages = calls.pages(what, _LIST, query, grant=_SEE)
    return [view for page in pages for view in page.get("runs") or ()]


def _whole(calls: Calls, view: Settings) -> Settings:
    """Return a run of a list with all its steps: a list shows the first hundred."""
    return _whole_run(calls, str(view["run_id"])) if view.get("has_more") else view


def _whole_run(calls: Calls, run_id: str) -> Settings:
    if not run_id.isdecimal():
        raise NotFound(f"There is no run {run_id!r}: ids of runs are numbers. Correct the id.")
    what = f"reading run {run_id}"
    query = {"run_id": run_id, "include_history": True}
    first, *others = calls.pages(what, _GET, query, grant=_SEE)
    view = dict(first)
    for page in others:
        for name in ("tasks", "job_clusters"):
            view[name] = [*view.get(name, ()), *(page.get(name) or ())]
    known = {step.get("run_id") for step in view.get("tasks") or ()}
    for part in view.get("repair_history") or ():
        for missing in set(part.get("task_run_ids") or ()) - known:
            view["tasks"] = [*(view.get("tasks") or ()), *_step_runs(calls, missing)]
    return view


def _step_runs(calls: Calls, run_id: object) -> list[Settings]:
    """Return one attempt that only the history of repairs names; none if it is gone."""
    try:
        answer = calls.get(f"reading run {run_id}", _GET, {"run_id": run_id}, grant=_SEE)
    except NotFound:
        return []
    found = answer.get("tasks") or ()
    return [step for step in found if step.get("run_id") == run_id]


def _with_words(calls: Calls, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return the attempts; failed ones say why, in the words of their output."""
    failed = [each.run_id for each in attempts if each.ending.result is Result.FAILED]
    outputs = {run_id: _error_text(calls, run_id) for run_id in failed[-_ASKED_OUTPUTS:]}
    return tuple(_with_error(each, outputs.get(each.run_id, "")) for each in attempts)


def _with_error(attempt: Attempt, error: str) -> Attempt:
    said = attempt.ending.message
    if not error or error in said:
        return attempt
    text = error if said in error else f"{said.rstrip('.')}: {error}"
    return replace(attempt, ending=replace(attempt.ending, message=text[:_LONGEST_FAILURE]))


def _error_text(calls: Calls, run_id: str) -> str:
    try:
        answer = calls.get(f"reading the output of run {run_id}", _OUTPUT, {"run_id": run_id})
    except IsocostError:  # not every kind of step has an output; the state's message is left
        return ""
    return str(answer.get("error") or "").strip()


def _failure_text(ending: Ending) -> str:
    word = ending.result.value if ending.result else "is unfinished"
    return ending.message[:_LONGEST_FAILURE] or f"The run {word}."


def _with_reason(run: EndedRun, attempts: Sequence[Attempt]) -> EndedRun:
    """Return the run with the longer words of its failed step, if that is why it failed."""
    if run.is_success or run.is_cancelled:
        return run
    bad = {Result.FAILED, Result.TIMED_OUT}
    failed = [a for a in attempts if a.ending.result in bad and a.ending.message]
    return replace(run, failure=failed[-1].ending.message) if failed else run
