"""What a trial does next follows from its rows alone."""

import pytest

from isocost.domain.recommendation import RecommendationState
from isocost.domain.run import RunState
from isocost.jobbank import steps
from isocost.testing.nouns import LARGE, SMALL, a_plan, a_project, a_recommendation, a_run, a_trial

PLAN = a_plan(runs_per_trial=3)


def after(*runs, recommendations=(), trial=None, project=None):
    rows = steps.TrialRows(trial or a_trial(), project or a_project(), runs, recommendations)
    return steps.next_step(rows, PLAN)


def test_a_new_trial_asks_for_its_cold_start():
    assert after() == steps.RequestRun(0, SMALL, None)


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (RunState.REQUESTED, steps.ExecuteRun),
        (RunState.RUNNING, steps.InterruptRun),
        (RunState.FINISHED, steps.IngestRun),
    ],
)
def test_an_open_run_is_carried_on(state, step):
    run = a_run(state=state)
    assert after(run) == step(run)


def test_the_first_run_sets_the_deadline():
    assert after(a_run(runtime_s=30.0), project=a_project(sla=None)) == steps.SetDeadline(60.0)


def test_an_ingested_run_asks_for_a_recommendation():
    assert after(a_run()) == steps.Recommend(a_run())


def test_an_issued_recommendation_asks_for_its_run():
    issued = a_recommendation(state=RecommendationState.ISSUED)
    assert after(a_run(), recommendations=[issued]) == steps.RequestRun(1, LARGE, issued)


def test_an_abstention_repeats_the_cluster():
    trial = a_trial().with_abstention("r-1", "off by 40 %")
    assert after(a_run(), trial=trial) == steps.RequestRun(1, SMALL, None)


@pytest.mark.parametrize("state", [RunState.INGESTED, RunState.FAILED])
def test_a_child_that_is_over_is_observed_first(state):
    applied = a_recommendation(state=RecommendationState.APPLIED)
    child = a_run("r-2", ordinal=1, recommendation_id="r-1-next", state=state)
    found = after(a_run(), child, recommendations=[applied])
    assert found == steps.ObserveRecommendation(applied, child)


def test_a_failed_run_sets_the_trial_aside_with_its_reason():
    failed = a_run(state=RunState.FAILED, failure="out of memory")
    assert "out of memory" in after(failed).reason


def a_failed_child(**changes):
    given = {"ordinal": 1, "recommendation_id": "r-1-next", "state": RunState.FAILED}
    return a_run("r-2", spec=LARGE, **{**given, **changes})


ROLLED_BACK = a_recommendation(state=RecommendationState.ROLLED_BACK)


def test_a_failed_child_asks_again_from_the_newest_ingested_run():
    found = after(a_run(), a_failed_child(), recommendations=[ROLLED_BACK])
    assert found == steps.Recommend(a_run())


def test_a_rolled_back_recommendation_is_not_applied_again():
    issued = a_recommendation("r-1-next-2", state=RecommendationState.ISSUED)
    found = after(a_run(), a_failed_child(), recommendations=[ROLLED_BACK, issued])
    assert found == steps.RequestRun(2, LARGE, issued)


def test_an_abstention_after_a_roll_back_runs_on_the_projects_own_spec():
    child = a_failed_child(state=RunState.INGESTED)
    trial = a_trial().with_abstention("r-2", "off by 40 %")
    found = after(a_run(), child, recommendations=[ROLLED_BACK], trial=trial)
    assert found == steps.RequestRun(2, SMALL, None)


def test_a_failed_last_run_finishes_the_trial():
    runs = [a_run(), a_run("r-2", ordinal=1), a_failed_child(ordinal=2)]
    assert after(*runs, recommendations=[ROLLED_BACK]) == steps.FinishTrial()


def test_the_last_run_finishes_the_trial():
    runs = [a_run(f"r-{n}", ordinal=n) for n in range(3)]
    assert after(*runs) == steps.FinishTrial()
