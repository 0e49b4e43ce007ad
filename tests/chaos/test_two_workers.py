"""Two processes look after one project at once: every run is taken in once, as by one alone."""

from contextlib import suppress
from dataclasses import replace
from threading import BrokenBarrierError

import pytest

from isocost.domain.change import ChangeKind, ChangeState
from isocost.domain.recommendation import RecommendationState
from isocost.usecases.apply import plan_apply
from isocost.usecases.loop import LoopStep
from isocost.usecases.manage import set_auto_apply
from isocost.usecases.watch import Watch, sweep
from tests.chaos.lives import (
    FORKS,
    HALF_DAY,
    HALVES,
    PATIENCE_S,
    Life,
    a_place,
    ended_run_ids,
    finished,
    import_all,
    opened,
    rows_of,
)

# Meeting the other process at a step takes the time of one call; who does not come is elsewhere.
MEETING_S = 0.2


def meet_at(barrier):
    """Return a listener that waits at each step for the other process, for a moment."""

    def tell(step, _):
        if step is not LoopStep.LISTED:
            with suppress(BrokenBarrierError):
                barrier.wait(MEETING_S)
            barrier.reset()

    return tell


def sweep_once(life, barrier):
    """Look after all projects as the poller does."""
    with opened(life, tell=meet_at(barrier)) as loop:
        sweep(loop)


def be_woken(life, barrier):
    """Look after one project as a server does whose webhook was called."""
    with opened(life) as loop:
        (project,) = rows_of(life).values()
        with Watch(replace(loop, tell=meet_at(barrier)), period=None) as watch:
            watch.wake(project.project.project_id)
            assert watch.settle(PATIENCE_S)


def look_at_once(life):
    barrier = FORKS.Barrier(2)
    workers = [FORKS.Process(target=each, args=(life, barrier)) for each in (sweep_once, be_woken)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE_S)
    assert [worker.exitcode for worker in workers] == [0, 0]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process alone leaves."""
    with a_place(1) as place:
        life = Life(tmp_path_factory.mktemp("alone"), place)
        finished(life)
        (rows,) = rows_of(life).values()
        return rows


@pytest.fixture(params=["sqlite", "postgres"])
def life(request, tmp_path):
    """A project on a store that two processes share."""
    database = ""
    if request.param == "postgres":
        database = request.getfixturevalue("postgres").a_database().url
    with a_place(1) as place:
        made = Life(tmp_path, place, database=database)
        with opened(made) as loop:
            import_all(loop, place)
        yield made


def test_two_processes_at_one_project_leave_what_one_alone_leaves(life, alone):
    place = life.place
    for _ in range(HALVES):
        place.control.advance(HALF_DAY)
        look_at_once(life)
    (rows,) = rows_of(life).values()
    applied = [i for c in rows.changes if c.kind is ChangeKind.APPLY for i in c.recommendation_ids]
    heard = [execution.origin_run_id for execution in rows.executions]
    assert sorted(heard) == ended_run_ids(place, *place.ids)
    assert [run.execution_id for run in rows.runs] == [e.execution_id for e in rows.executions]
    assert len(set(applied)) == len(applied) > 0
    assert {change.state for change in rows.changes} == {ChangeState.MADE}
    assert rows.project.guarding.fault is None
    # Both may carry out what one has planned: the second finds it done, or writes the very same.
    assert len(rows.changes) <= place.control.write_count(int(*place.ids)) <= 2 * len(rows.changes)
    assert rows == alone


def test_recommendation_is_not_superseded_while_another_process_applies_it(tmp_path):
    with a_place(1) as place:
        life = Life(tmp_path, place)
        with opened(life) as loop:
            import_all(loop, place)
            (rows,) = rows_of(life).values()
            set_auto_apply(loop.store, rows.project.project_id, is_on=False)
            place.control.advance(HALF_DAY)
            sweep(loop)
            place.control.advance(HALF_DAY)
            (waiting,) = rows_of(life).values()

            def apply_by_hand(step, _):
                if step is LoopStep.ADVISED:
                    project, issued = waiting.project, waiting.recommendations
                    plan_apply(loop, project, loop.place_of(project), recommendations=issued)

            with opened(life, tell=apply_by_hand) as poller:
                sweep(poller)
    (rows,) = rows_of(life).values()
    (first, *others) = rows.recommendations
    assert first.state is RecommendationState.APPLIED
    assert others == []


class Meanwhile:
    """A workspace where something else happens before a set-up is planned."""

    def __init__(self, host, deed):
        self._host, self._deed = host, deed

    def __getattr__(self, name):
        return getattr(self._host, name)

    def planned_set_up(self, *positional, **named):
        self._deed()
        return self._host.planned_set_up(*positional, **named)


def test_definition_that_two_import_at_once_is_set_up_once_and_forgets_nothing(tmp_path):
    with a_place(1) as place:
        life = Life(tmp_path, place)

        def import_and_look():
            with opened(life) as loop:
                import_all(loop, place)
                place.control.advance(HALF_DAY)
                sweep(loop)

        with opened(life) as slow:
            host = Meanwhile(slow.host_of(place.connection.workspace), import_and_look)
            import_all(replace(slow, host_of=lambda _: host), place)
    (rows,) = rows_of(life).values()
    assert [change.kind for change in rows.changes] == [ChangeKind.SET_UP, ChangeKind.APPLY]
    assert rows.project.origin.heard_until is not None
