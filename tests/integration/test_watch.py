"""Who looks after projects: threads, two at once, and what becomes of one that fails."""

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from isocost.domain.change import ChangeKind, ChangeState
from isocost.domain.project import Sla
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.errors import IsocostError, PlatformError
from isocost.settings import read_settings
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace
from isocost.usecases.adopt import Intent, adopt, listed
from isocost.usecases.apply import carry_out, plan_apply
from isocost.usecases.loop import LoopStep
from isocost.usecases.manage import set_auto_apply
from isocost.usecases.reconcile import look_after
from isocost.usecases.watch import Watch, sweep
from isocost.wiring import Connection, open_loop

DAY = timedelta(days=1)
# Meeting another worker at a step takes the time of one call; who does not come is elsewhere.
MEETING_S = 0.3


class Bench:
    """A simulated workspace with imported projects, and the loop that looks after them."""

    def __init__(self, control, loop, open_another):
        self.control, self.loop, self.open_another = control, loop, open_another
        with loop.store.transaction() as tx:
            (self.workspace,) = tx.workspaces()
        entries = listed(loop.store, self.workspace, loop.host_of(self.workspace))
        intent = Intent(Sla(36_000.0, 0.05), is_auto_apply=True)
        self.ids = [
            adopt(loop, self.workspace, e.definition.definition_id, intent=intent).project_id
            for e in entries
        ]

    def rows(self, project_id):
        with self.loop.store.transaction(read_only=True) as tx:
            return tx.executions_of(project_id), tx.changes_of(project_id)

    def project(self, project_id):
        with self.loop.store.transaction(read_only=True) as tx:
            return tx.project(project_id)


@contextmanager
def a_bench(home, *, jobs=1):
    settings = read_settings({"ISOCOST_HOME": str(home), "ISOCOST_CACHE": str(home)})
    plan = EstatePlan(jobs, has_changes=False, has_others=False)
    with a_workspace(seed=5) as (address, control):
        control.add_estate(plan)
        workspace = Workspace(
            "lake", address.url, Cloud.AWS, "us-east-1", Plan.PREMIUM, control.now(), "dbfs:/logs"
        )
        connections = [Connection(workspace, address.token)]

        def opened(**options):
            return open_loop(
                settings, connections=connections, now_in=lambda _: control.now(), **options
            )

        with opened() as loop:
            yield Bench(control, loop, opened)


@pytest.fixture
def bench(tmp_path):
    with a_bench(tmp_path) as made:
        yield made


@pytest.fixture
def two(tmp_path):
    with a_bench(tmp_path, jobs=2) as made:
        yield made


def meet_at(barrier):
    """Return a listener that waits at each step for the other worker, for a moment."""

    def tell(step, _):
        if step is not LoopStep.LISTED:
            with suppress(threading.BrokenBarrierError):
                barrier.wait(MEETING_S)
            barrier.reset()

    return tell


def look_twice_at_once(bench, project_id):
    """Look after a project with two loops over one database, as two processes would."""
    barrier, faults = threading.Barrier(2), []

    def look(loop):
        try:
            look_after(loop, project_id)
        except IsocostError as error:
            faults.append(error)

    with bench.open_another(tell=meet_at(barrier)) as one, bench.open_another() as another:
        loops = (one, replace(another, tell=meet_at(barrier)))
        workers = [threading.Thread(target=look, args=(loop,)) for loop in loops]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert faults == []


def test_two_processes_at_one_project_take_each_run_once_and_apply_once(bench):
    (project_id,) = bench.ids
    for _ in range(4):
        bench.control.advance(DAY)
        look_twice_at_once(bench, project_id)
    executions, changes = bench.rows(project_id)
    definition_id = bench.project(project_id).origin.definition_id
    ended = bench.loop.host_of(bench.workspace).ended_runs(definition_id, None)
    applied = [c for c in changes if c.kind is ChangeKind.APPLY]
    applied_ids = [i for c in applied for i in c.recommendation_ids]
    assert sorted(e.origin_run_id for e in executions) == sorted(r.origin_run_id for r in ended)
    assert [e.ordinal for e in executions] == list(range(len(executions)))
    assert applied
    assert all(c.state is ChangeState.MADE for c in applied)
    assert len(set(applied_ids)) == len(applied_ids)
    assert bench.project(project_id).guarding.notice is None


def test_recommendation_that_another_process_applied_is_not_planned_again(bench):
    set_auto_apply(bench.loop.store, bench.ids[0], is_on=False)
    bench.control.advance(DAY)
    look_after(bench.loop, bench.ids[0])
    with bench.loop.store.transaction(read_only=True) as tx:
        seen = [r for r in tx.recommendations_of(bench.ids[0]) if r.state.value == "issued"]
    project = bench.project(bench.ids[0])
    place = bench.loop.place_of(project)
    change = plan_apply(bench.loop, project, place, recommendations=seen)
    carry_out(bench.loop, change, place)
    assert plan_apply(bench.loop, project, place, recommendations=seen) is None


def test_sweep_looks_after_all_projects(two):
    two.control.advance(DAY)
    assert sweep(two.loop) == dict.fromkeys(sorted(two.ids), True)
    assert all(two.rows(project_id)[0] for project_id in two.ids)


def test_sweep_keeps_to_the_named_workspaces(two):
    assert sweep(two.loop, ["elsewhere"]) == {}


def test_project_with_a_defect_does_not_stop_the_others(two):
    two.control.advance(DAY)
    broken, well = sorted(two.ids)

    def tell(_, project_id):
        if project_id == broken:
            raise ZeroDivisionError("a defect")

    assert sweep(replace(two.loop, tell=tell)) == {broken: False, well: True}
    assert "a defect" in two.project(broken).guarding.fault
    assert two.project(well).guarding.fault is None


def test_workspace_that_is_away_is_told_by_its_projects(bench):
    def away(_):
        raise PlatformError("the workspace is away")

    assert sweep(replace(bench.loop, host_of=away)) == {bench.ids[0]: False}
    assert bench.project(bench.ids[0]).guarding.fault == "the workspace is away"


def test_woken_project_is_looked_after_without_a_sweep(bench):
    bench.control.advance(DAY)
    with Watch(bench.loop, period=None) as watch:
        watch.wake(bench.ids[0])
        assert watch.settle(60.0)
    assert bench.rows(bench.ids[0])[0]


def test_watch_begins_with_a_sweep(bench):
    bench.control.advance(DAY)
    has_heard = threading.Event()

    def tell(step, _):
        if step is LoopStep.CONCLUDED:
            has_heard.set()

    with Watch(replace(bench.loop, tell=tell), period=DAY):
        assert has_heard.wait(60.0)


def test_stopped_watch_ends_between_two_steps(bench):
    bench.control.advance(2 * DAY)
    steps, has_collected = [], threading.Event()

    def tell(step, _):
        steps.append(step)
        if step is LoopStep.COLLECTED:
            has_collected.set()
            while watch.pulse().is_running:
                time.sleep(0.01)

    with Watch(replace(bench.loop, tell=tell), period=DAY) as watch:
        assert has_collected.wait(60.0)
    assert steps[-1] is LoopStep.COLLECTED


def test_next_start_goes_on_where_a_stop_left_off(bench):
    bench.control.advance(2 * DAY)
    look_after(bench.loop, bench.ids[0], go_on=lambda: False)
    assert {e.state.value for e in bench.rows(bench.ids[0])[0]} == {"heard"}
    look_after(bench.loop, bench.ids[0])
    assert {e.state.value for e in bench.rows(bench.ids[0])[0]} == {"concluded"}
