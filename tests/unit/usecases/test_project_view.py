from dataclasses import replace
from datetime import timedelta

import pytest

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.domain.execution import Execution, ExecutionState
from isocost.domain.project import Origin
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import NOW, a_project, a_recommendation, a_run
from isocost.usecases.project_view import execution_views, project_view, project_views

DAY = timedelta(days=1)
PROJECT = replace(a_project(), origin=Origin("prod", "17", settings="{}"))


@pytest.fixture
def store():
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_workspace(
            Workspace("prod", "https://prod", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW)
        )
        tx.put_project(PROJECT)
    return store


def add(store, ordinal, *, usd=1.0, seconds=50.0, is_success=True, **run_changes):
    execution_id = f"e-{ordinal}"
    run = a_run(f"{execution_id}-main", ordinal=ordinal, cost=CostBreakdown(vm_usd=usd))
    run = replace(run, execution_id=execution_id, **run_changes)
    begin = NOW + ordinal * DAY
    end = begin + timedelta(seconds=seconds)
    execution = Execution(execution_id, "p-1", ordinal, str(ordinal), end, begin, end, is_success)
    execution = replace(execution, state=ExecutionState.CONCLUDED, run_ids=(run.run_id,))
    with store.transaction() as tx:
        tx.put_run(run)
        tx.put_execution(execution)
        project = tx.project("p-1")
        ids = (*project.baseline_ids, execution_id) if ordinal < 2 else project.baseline_ids
        tx.put_project(replace(project, baseline_ids=ids))


def view(store):
    with store.transaction(read_only=True) as tx:
        return project_view(tx, tx.project("p-1"))


def test_saving_is_newest_against_baseline(store):
    for ordinal in range(7):
        add(store, ordinal, usd=4.0 if ordinal < 2 else 3.0)
    seen = view(store)
    assert seen.baseline_ids == ("e-0", "e-1")
    assert seen.newest_ids == ("e-2", "e-3", "e-4", "e-5", "e-6")
    assert (seen.baseline_usd, seen.newest_usd, seen.saving_fraction) == (4.0, 3.0, 0.25)


def test_failed_and_late_runs_miss_the_sla(store):
    add(store, 0)
    add(store, 1, seconds=61.0)
    add(store, 2, is_success=False)
    add(store, 3)
    assert view(store).sla_met_fraction == 0.5


def test_project_without_runs_has_no_numbers(store):
    seen = view(store)
    assert (seen.execution_count, seen.saving_fraction, seen.sla_met_fraction) == (0, None, None)
    assert seen.last_event == "no run has ended yet"


def test_run_of_unknown_cost_is_not_free(store):
    add(store, 0, usd=4.0)
    add(store, 1, usd=4.0)
    with store.transaction() as tx:
        tx.put_run(replace(tx.run("e-1-main"), cost=None))
    assert view(store).newest_usd == 4.0


def test_last_event_is_a_deviation_rather_than_a_run_as_expected(store):
    shares = (Share(CauseOfDeviation.DATA, 0.9, 0.6), Share(CauseOfDeviation.NOISE, 0.02, 0.0))
    add(store, 0, deviation=Deviation(30.0, 60.0, 5.0, is_anomaly=True, shares=shares))
    add(store, 1)
    assert view(store).last_event == "run 0 took +100 % against its expectation: data 90 %"


def test_last_event_names_the_spec_that_was_applied(store):
    add(store, 0)
    change = Change("c-1", "p-1", ChangeKind.APPLY, "17", "{}", "{}", NOW + 2 * DAY, ("r-1-next",))
    with store.transaction() as tx:
        tx.put_recommendation(a_recommendation(parent_run_id="e-0-main"))
        tx.put_change(replace(change, state=ChangeState.MADE))
    assert view(store).last_event == "applied 1 × local-2c-2g"


def test_retired_projects_are_not_shown(store):
    assert [v.project.project_id for v in project_views(store)] == ["p-1"]
    with store.transaction() as tx:
        tx.put_project(replace(PROJECT, is_retired=True))
    assert project_views(store, "prod") == []


def test_execution_shows_cost_and_verdict_of_its_sla(store):
    add(store, 0, usd=2.0, seconds=61.0)
    with store.transaction(read_only=True) as tx:
        (seen,) = execution_views(tx, tx.project("p-1"))
    assert (seen.cost_usd, seen.is_sla_met, seen.main_cause) == (2.0, False, None)
