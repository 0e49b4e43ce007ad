"""A project as it is stored in; everything that is to be done for it, done, out.

What to do next is read off the rows (`next_step`), so it does not matter who calls, how often, or
where the last caller died.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from isocost.domain.change import Change
from isocost.domain.execution import Execution, ExecutionState
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.errors import Busy, InternalError, PlatformError, UserError
from isocost.store.base import Transaction
from isocost.usecases.apply import carry_out, notice_edits, plan_apply, plan_roll_back
from isocost.usecases.collect import collect, hear
from isocost.usecases.conclude import conclude, unsettled_of
from isocost.usecases.loop import Loop, Place
from isocost.usecases.observe import observe
from isocost.usecases.take_in import take_in, take_in_late

# A project whose rows ask for more steps than this in one look goes round in circles.
_MOST_STEPS: Final = 10_000
# Executions whose logs may still come: those of two days of an hourly run, nearly.
_MAY_BE_LATE: Final = 40


@dataclass(frozen=True, slots=True)
class Rows:
    """What is stored of a project that is not over yet.

    Attributes:
        planned: changes not carried out.
        open_executions: by ordinal.
        issued: recommendations that wait to be applied.
        has_unsettled: whether an applied recommendation waits for its first run.
    """

    project: Project
    planned: Sequence[Change]
    open_executions: Sequence[Execution]
    issued: Sequence[Recommendation]
    has_unsettled: bool


class Verb(Enum):
    """What can be next for a project."""

    CARRY_OUT = "carry out"
    COLLECT = "collect"
    TAKE_IN = "take in"
    OBSERVE = "observe"
    ROLL_BACK = "roll back"
    CONCLUDE = "conclude"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Step:
    """What is next, and for which execution or change."""

    verb: Verb
    execution: Execution | None = None
    change: Change | None = None


_VERB_OF: Final[Mapping[ExecutionState, Verb]] = {
    ExecutionState.HEARD: Verb.COLLECT,
    ExecutionState.COLLECTED: Verb.TAKE_IN,
    ExecutionState.INGESTED: Verb.OBSERVE,
    ExecutionState.JUDGED: Verb.CONCLUDE,
}


def next_step(rows: Rows, now: datetime) -> Step | None:
    """Return what is to be done next; None when all is done that can be done now.

    Executions are judged in their order: what is learned from one is expected of the next. One
    that waits for its log does not hold up others of the same moment for longer than that.
    """
    if rows.project.is_retired:  # in the meantime
        return None
    if rows.planned:
        return Step(Verb.CARRY_OUT, change=rows.planned[0])
    if any(cluster.going_back_to for cluster in rows.project.clusters.values()):
        return Step(Verb.ROLL_BACK)
    for execution in rows.open_executions:
        if execution.due_at is not None and now < execution.due_at:
            return None
        return Step(_VERB_OF[execution.state], execution=execution)
    may_apply = rows.project.guarding.is_auto_apply and not rows.has_unsettled
    if rows.issued and may_apply and rows.project.limits.is_change_allowed_at(now):
        return Step(Verb.APPLY)
    return None


def look_after(loop: Loop, project_id: str, *, go_on: Callable[[], bool] = lambda: True) -> bool:
    """Hear of what ended and do all that is next; says whether the project is well.

    What goes wrong is stored with the project, which is looked at again later, each time after a
    longer pause, and after some failures in a row not any more until a person says so.

    Args:
        loop: what it is looked after with.
        project_id: of the project.
        go_on: asked before each step; where it says no, the rest is left to the next look.
    """
    with loop.store.transaction(read_only=True) as tx:
        project = tx.project(project_id)
    if project.is_retired or is_left_alone(loop, project):
        return False
    now: datetime | None = None
    try:
        now = loop.now_of(project)
        if project.guarding.look_at is not None and now < project.guarding.look_at:
            return False
        place = loop.place_of(project)
        hear(loop, project, place)
        _reconcile(loop, project_id, place, go_on=go_on)
        if go_on() and not place.has_definition:
            _look_for_definition(loop, project_id, place)
    except (UserError, PlatformError, Busy) as error:
        store_fault(loop, project_id, str(error), now=now)
        return False
    if project.guarding.fault is not None or project.guarding.failed_looks:
        _clear_fault(loop, project_id)
    return True


def is_left_alone(loop: Loop, project: Project) -> bool:
    """Whether it failed so often in a row that a person must say when to go on."""
    return project.guarding.failed_looks >= loop.patience.most_looks


def _reconcile(loop: Loop, project_id: str, place: Place, *, go_on: Callable[[], bool]) -> None:
    _take_in_late(loop, project_id, place)
    has_looked = False
    for _ in range(_MOST_STEPS):
        with loop.store.transaction(read_only=True) as tx:
            rows = rows_of(tx, project_id)
        step = next_step(rows, place.now())
        if step is None or not go_on():
            return
        if not has_looked and step.verb in {Verb.CONCLUDE, Verb.APPLY}:
            has_looked = True
            _notice_edits(loop, project_id, place)
            continue
        _do(loop, rows, step, place=place)
    raise InternalError(
        f"Project {project_id} asks for step after step without end. Please report this with its "
        "executions: isocost run list"
    )


def _look_for_definition(loop: Loop, project_id: str, place: Place) -> None:
    """Ask for a definition that no step asked for, once in a while; raises NotFound if it is gone.

    The runs of a databricks job are listed for weeks after it was deleted, so who only hears of
    what ended would miss that nothing will run any more.
    """
    now, seen_at = place.now(), loop.seen_at.get(project_id)
    if seen_at is None or not seen_at <= now < seen_at + loop.patience.unseen:
        place.definition(is_fresh=True)
        loop.seen_at[project_id] = now


def _notice_edits(loop: Loop, project_id: str, place: Place) -> None:
    """Take over what somebody else changed; another worker's change is no such thing."""
    with loop.store.transaction(read_only=True) as tx:
        before = tx.changes_of(project_id, newest=1)
    definition = place.definition(is_fresh=True)
    with loop.store.transaction() as tx:
        is_ours = bool(tx.changes_of(project_id, is_planned=True))
        if not is_ours and tx.changes_of(project_id, newest=1) == before:
            notice_edits(tx, tx.project(project_id), definition)


def rows_of(tx: Transaction, project_id: str) -> Rows:
    """Return what is stored of a project that is not over."""
    project = tx.project(project_id)
    return Rows(
        project=project,
        planned=tx.changes_of(project_id, is_planned=True),
        open_executions=tx.executions_of(project_id, is_open=True),
        issued=tx.recommendations_of(project_id, states={RecommendationState.ISSUED}),
        has_unsettled=bool(unsettled_of(tx, project)),
    )


def _take_in_late(loop: Loop, project_id: str, place: Place) -> None:
    with loop.store.transaction(read_only=True) as tx:
        newest = tx.executions_of(project_id, newest=_MAY_BE_LATE)
    late = [execution for execution in newest if execution.late_log_until]
    for execution in late:
        now = place.now()
        is_due = execution.due_at is None or now >= execution.due_at
        if not execution.is_over or not is_due or take_in_late(loop, execution, place):
            continue
        pause = loop.patience.pause(execution.attempt_count)
        with loop.store.transaction() as tx:
            stored = tx.execution(execution.execution_id)
            waiting = replace(stored, due_at=now + pause, attempt_count=stored.attempt_count + 1)
            if stored.late_log_until is not None and now > stored.late_log_until:
                waiting = replace(stored, due_at=None, late_log_until=None)
            tx.put_execution(waiting)


def _do(loop: Loop, rows: Rows, step: Step, *, place: Place) -> None:
    if step.change is not None:
        carry_out(loop, step.change, place)
    elif step.execution is not None:
        _OF_EXECUTION[step.verb](loop, step.execution, place)
    elif step.verb is Verb.ROLL_BACK:
        plan_roll_back(loop, rows.project, place)
    else:
        plan_apply(loop, rows.project, place, recommendations=rows.issued)


_OF_EXECUTION: Final[Mapping[Verb, Callable[[Loop, Execution, Place], None]]] = {
    Verb.COLLECT: collect,
    Verb.TAKE_IN: take_in,
    Verb.OBSERVE: observe,
    Verb.CONCLUDE: conclude,
}


def store_fault(loop: Loop, project_id: str, fault: str, *, now: datetime | None) -> None:
    """Remember what went wrong with a project, and to look at it again after a longer pause."""
    with loop.store.transaction() as tx:
        project = tx.project(project_id)
        guarding = project.guarding
        pause = loop.patience.pause(guarding.failed_looks)
        tx.put_project(
            replace(
                project,
                guarding=replace(
                    guarding,
                    fault=fault,
                    failed_looks=guarding.failed_looks + 1,
                    look_at=None if now is None else now + max(pause, timedelta(0)),
                ),
            )
        )


def _clear_fault(loop: Loop, project_id: str) -> None:
    with loop.store.transaction() as tx:
        project = tx.project(project_id)
        guarding = replace(project.guarding, fault=None, failed_looks=0, look_at=None)
        tx.put_project(replace(project, guarding=guarding))
