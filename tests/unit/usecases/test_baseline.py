"""The baseline is what ran before anything was applied, or before anything was since a reset."""

from dataclasses import replace

import pytest

from isocost.domain.recommendation import RecommendationState
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import a_project, a_recommendation, a_run
from isocost.usecases.loop import BASELINE_RUNS
from isocost.usecases.observe import count_to_baseline
from tests.unit.usecases.executions import execution_of

PROJECT = a_project()


def on(ordinal, recommendation_id=None):
    return a_run(
        f"r-{ordinal}",
        ordinal=ordinal,
        execution_id=f"e-{ordinal}",
        recommendation_id=recommendation_id,
        runtime_s=50.0,
    )


def baseline(*runs, states=(), project=PROJECT):
    """Return the baseline after these runs; each state is of a recommendation after run 0."""
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(project)
        for run in runs:
            tx.put_execution(execution_of(run))
            tx.put_run(run)
        for number, state in enumerate(states):
            made = a_recommendation(f"rec-{number}", parent_run_id=runs[0].run_id)
            tx.put_recommendation(replace(made, state=state))
        for run in runs:
            count_to_baseline(tx, execution_of(run))
        return tx.project(project.project_id).baseline_ids


def test_first_runs_are_the_baseline():
    runs = [on(n) for n in range(BASELINE_RUNS + 2)]
    assert baseline(*runs) == tuple(f"e-{n}" for n in range(BASELINE_RUNS))


@pytest.mark.parametrize("state", ["APPLIED", "KEPT", "ROLLED_BACK"])
def test_nothing_counts_once_a_recommendation_was_in_force(state):
    assert baseline(on(0), on(1), states=[RecommendationState[state]]) == ()


def test_what_was_only_issued_changes_nothing():
    assert baseline(on(0), on(1), states=[RecommendationState.ISSUED]) == ("e-0", "e-1")


def test_after_a_reset_the_first_runs_since_count_on_whatever_is_in_force():
    project = replace(PROJECT, learned_from=1)
    runs = [on(0), on(1, "rec-0"), on(2, "rec-0")]
    found = baseline(*runs, states=[RecommendationState.KEPT], project=project)
    assert found[-2:] == ("e-1", "e-2")
