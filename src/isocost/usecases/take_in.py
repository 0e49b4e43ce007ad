"""A collected execution in; its runs with profile and runtime in the store out."""

from dataclasses import replace
from typing import Final

from isocost.domain.execution import Execution, ExecutionEvent, ExecutionState
from isocost.domain.profile import RunProfile
from isocost.domain.run import Run, RunEvent, RunState
from isocost.domain.workspace import Workspace
from isocost.errors import UserError
from isocost.model.log_evidence import is_disturbed
from isocost.recommend.work import input_bytes_of
from isocost.usecases.loop import Loop, LoopStep, Place

_UNREADABLE: Final = "its event log could not be read"


def take_in(loop: Loop, execution: Execution, place: Place) -> None:
    """Read the logs of an execution's runs and remember what they say, all or nothing.

    A log that cannot be read within the patience for it leaves the run with the runtime that the
    workspace tells; one that comes later is taken in by `take_in_late`.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction(read_only=True) as tx:
        if tx.execution(execution.execution_id).state is not ExecutionState.COLLECTED:
            return  # another worker was faster
        runs = [tx.run(run_id) for run_id in execution.run_ids]
    read: dict[str, RunProfile] = {}
    unread: list[str] = []
    for run in runs:
        if run.event_log is None or run.failure is not None:
            continue
        profile = _read(loop, place.workspace, run.event_log)
        if profile is None or _may_go_on(execution, profile):
            unread.append(run.cluster_key)
        else:
            read[run.run_id] = profile
    loop.tell(LoopStep.READ, execution.project_id)
    now = place.now()
    if unread and now < execution.ended_at + loop.patience.log_wait:
        pause = loop.patience.pause(execution.attempt_count)
        waiting = execution.postponed(now + pause, f"{_UNREADABLE}: {', '.join(unread)}")
        with loop.store.transaction() as tx:
            if tx.execution(execution.execution_id).state is ExecutionState.COLLECTED:
                tx.put_execution(waiting)  # else another worker was faster
        return
    taken = [_taken(run, read.get(run.run_id)) for run in runs]
    _store(loop, execution, runs=taken, profiles=read, has_unread=bool(unread))
    loop.tell(LoopStep.INGESTED, execution.project_id)


def take_in_late(loop: Loop, execution: Execution, place: Place) -> bool:
    """Read the log of an execution that went on without one, if it has come; says whether."""
    with loop.store.transaction(read_only=True) as tx:
        runs = [tx.run(run_id) for run_id in execution.run_ids]
    wanting = [r for r in runs if r.input_bytes is None and r.event_log and r.failure is None]
    found = {r.run_id: _read(loop, place.workspace, r.event_log or "") for r in wanting}
    if any(p is None or _may_go_on(execution, p) for p in found.values()):
        return False
    with loop.store.transaction() as tx:
        for run in wanting:
            profile = found[run.run_id]
            if profile is not None:
                tx.put_profile(run.run_id, profile)
                tx.put_run(_with_profile(run, profile))
        tx.put_execution(replace(execution, late_log_until=None))
    return True


def _read(loop: Loop, workspace: Workspace, location: str) -> RunProfile | None:
    try:
        profile = loop.read_profile(workspace, location)
    except UserError:  # not there, no event log, or cut so that nothing can be read
        return None
    return profile if profile.runtime_s > 0 else None


def _may_go_on(execution: Execution, profile: RunProfile) -> bool:
    """Whether a part of the log is still to come: its last delivery was waited for in vain."""
    return execution.late_log_until is not None and not profile.is_complete


def _taken(run: Run, profile: RunProfile | None) -> Run:
    """Return the run with all that is known of it now."""
    if run.failure is not None:
        return run.after(RunEvent.FAIL)
    if profile is not None:
        return _with_profile(run, profile).after(RunEvent.INGEST)
    if run.runtime_s is None:
        return replace(run.after(RunEvent.FAIL), failure=_UNREADABLE)
    return run.after(RunEvent.INGEST)


def _with_profile(run: Run, profile: RunProfile) -> Run:
    return replace(
        run,
        runtime_s=_runtime_s(run, profile),
        input_bytes=input_bytes_of(profile),
        is_disturbed=run.is_disturbed or is_disturbed(profile),
    )


def _runtime_s(run: Run, profile: RunProfile) -> float:
    """Return what the log says; of one that lacks its end, at least what the workspace says."""
    if profile.is_complete or run.runtime_s is None:
        return profile.runtime_s
    return max(profile.runtime_s, run.runtime_s)


def _store(
    loop: Loop,
    execution: Execution,
    *,
    runs: list[Run],
    profiles: dict[str, RunProfile],
    has_unread: bool,
) -> None:
    late_until = execution.ended_at + loop.patience.late_log if has_unread else None
    with loop.store.transaction() as tx:
        stored = tx.execution(execution.execution_id)
        if stored.state is not ExecutionState.COLLECTED:  # another worker was faster
            return
        for run in runs:
            tx.put_run(run)
            if run.run_id in profiles and run.state is RunState.INGESTED:
                tx.put_profile(run.run_id, profiles[run.run_id])
        tx.put_execution(
            replace(
                stored.after(ExecutionEvent.INGEST),
                late_log_until=stored.late_log_until or late_until,
            )
        )
