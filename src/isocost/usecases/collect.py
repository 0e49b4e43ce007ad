"""Ended runs of an imported project in; executions and their clusters' runs in the store out.

`hear` learns from the workspace's list what has ended; `collect` fetches one execution with its
clusters and waits, within bounds, until their event logs have come.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from isocost.domain.execution import Execution, ExecutionEvent, ExecutionState
from isocost.domain.project import Project, ProjectCluster
from isocost.domain.run import Run, RunState
from isocost.errors import Busy, NotFound
from isocost.platforms.host import CollectedCluster, CollectedRun, EndedRun
from isocost.store.base import Transaction
from isocost.usecases.apply import own_recommendations
from isocost.usecases.loop import Loop, LoopStep, Place

# A run that started before another one may end after it; nobody's recurring run lasts longer.
_OVERLAP: Final = timedelta(days=2)


def hear(loop: Loop, project: Project, place: Place) -> int:
    """Store an execution for each ended run not known yet; returns how many there were.

    Webhook and poller may call this at once: an execution has the id of its run.

    Raises:
        NotFound: the definition is gone.
        PlatformError: the workspace refuses or cannot be reached.
    """
    since = None if project.origin is None else project.origin.heard_until
    ended = place.host.ended_runs(place.definition_id, since and since - _OVERLAP)
    loop.tell(LoopStep.LISTED, project.project_id)
    with loop.store.transaction() as tx:
        new = store_new(tx, project.project_id, ended, now=place.now())
    if new:
        loop.tell(LoopStep.HEARD, project.project_id)
    return new


def store_new(
    tx: Transaction, project_id: str, ended: Sequence[EndedRun], *, now: datetime
) -> int:
    """Store an execution for each of these runs not known yet; returns how many there were."""
    project = tx.project(project_id)
    if project.origin is None or not ended:
        return 0
    # By id, for a list that grows while it is read page by page may name a run twice.
    heard = {f"{project_id}-{run.origin_run_id}": run for run in ended}
    known = tx.executions(heard)
    newest = tx.executions_of(project_id, newest=1)
    ordinal = newest[-1].ordinal + 1 if newest else 0
    new = 0
    for execution_id, run in sorted(heard.items(), key=lambda h: (h[1].ended_at, h[0])):
        if execution_id in known or run.is_cancelled:
            continue
        tx.put_execution(
            Execution(
                execution_id=execution_id,
                project_id=project_id,
                ordinal=ordinal + new,
                origin_run_id=run.origin_run_id,
                heard_at=now,
                started_at=run.started_at,
                ended_at=run.ended_at,
                is_success=run.is_success,
            )
        )
        new += 1
    until = max(run.started_at for run in ended)
    heard_until = project.origin.heard_until
    if heard_until is None or until > heard_until:
        tx.put_project(replace(project, origin=replace(project.origin, heard_until=until)))
    return new


def collect(loop: Loop, execution: Execution, place: Place) -> None:
    """Store what an execution left, or look again later if its event logs are still to come.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    try:
        found = place.host.collect(place.definition_id, execution.origin_run_id)
    except NotFound as error:  # the workspace forgets runs after two months
        lost = replace(execution.after(ExecutionEvent.GIVE_UP), reason=str(error))
        _put(loop, lost)
        return
    except Busy as error:  # the run is being repaired, or the workspace asks for patience
        pause = loop.patience.pause(execution.attempt_count)
        _put(loop, execution.postponed(place.now() + pause, str(error)))
        return
    loop.tell(LoopStep.GATHERED, execution.project_id)
    now = place.now()
    waited = [c for c in found.clusters if not place.host.are_logs_settled(c, now)]
    if waited and now < execution.ended_at + loop.patience.log_wait:
        keys = ", ".join(cluster.cluster_key for cluster in waited)
        pause = loop.patience.pause(execution.attempt_count)
        _put(loop, execution.postponed(now + pause, f"waiting for the event log of {keys}"))
        return
    costs = {
        cluster.cluster_key: loop.price(place.workspace, cluster.asked, cluster.timeline)
        for cluster in found.clusters
    }
    runs = [replace(_run_of(execution, c), cost=costs[c.cluster_key]) for c in found.clusters]
    _store_collected(loop, execution, found, runs=runs, is_late=bool(waited))
    loop.tell(LoopStep.COLLECTED, execution.project_id)


def _put(loop: Loop, execution: Execution) -> None:
    with loop.store.transaction() as tx:
        if tx.execution(execution.execution_id).state is ExecutionState.HEARD:
            tx.put_execution(execution)  # else another worker was faster


def _store_collected(
    loop: Loop, execution: Execution, found: CollectedRun, *, runs: Sequence[Run], is_late: bool
) -> None:
    late_until = execution.ended_at + loop.patience.late_log if is_late else None
    with loop.store.transaction() as tx:
        stored = tx.execution(execution.execution_id)
        if stored.state is not ExecutionState.HEARD:  # another worker was faster
            return
        project = tx.project(execution.project_id)
        tags = {run.cluster_key: run.recommendation_id for run in runs}
        own = own_recommendations(tx, project.project_id, tags)
        for run in runs:
            if run.cluster_key not in project.clusters:
                project = project.with_cluster(ProjectCluster(run.cluster_key, run.spec))
            tx.put_run(replace(run, recommendation_id=own.get(run.cluster_key)))
        tx.put_project(project)
        tx.put_execution(
            replace(
                stored.after(ExecutionEvent.COLLECT),
                started_at=found.run.started_at,
                ended_at=found.run.ended_at,
                is_success=found.run.is_success,
                spans=found.spans,
                run_ids=tuple(run.run_id for run in runs),
                late_log_until=late_until,
            )
        )


def _run_of(execution: Execution, cluster: CollectedCluster) -> Run:
    has_failed = cluster.failure is not None
    return Run(
        run_id=run_id_of(execution, cluster.cluster_key),
        project_id=execution.project_id,
        cluster_key=cluster.cluster_key,
        ordinal=execution.ordinal,
        spec=cluster.ran,
        # A failed application may have left a log, but a cut one teaches no runtime.
        state=RunState.FINISHED,
        requested_at=execution.started_at,
        recommendation_id=cluster.asked.recommendation_id,
        timeline=cluster.timeline,
        event_log=cluster.log_locations[-1] if cluster.log_locations else None,
        runtime_s=None if has_failed else cluster.measured_s,
        failure=cluster.failure,
        failed_after_s=cluster.measured_s if has_failed else None,
        is_timed_out=cluster.is_timed_out,
        execution_id=execution.execution_id,
        # A second cluster means a repair or a restart: part of the work was done twice.
        is_disturbed=True if len(cluster.cluster_ids) > 1 else None,
        spot_loss_count=cluster.spot_loss_count,
        asked_spec=cluster.asked.spec,
    )


def run_id_of(execution: Execution, cluster_key: str) -> str:
    """Return the id of one cluster's run of an execution."""
    return f"{execution.execution_id}-{re.sub(r'[^A-Za-z0-9_.-]', '_', cluster_key)}"
