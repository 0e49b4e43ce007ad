"""Figures of trials on simulated workspaces, told by the simulator's own books."""

from dataclasses import replace

import pytest

from isocost.domain.experiment import TrialState, TrialTruth
from isocost.domain.project import Sla
from isocost.domain.run import RunState
from isocost.jobbank.lineage import TrialRecord
from isocost.jobbank.workspace_figures import workspace_figures
from isocost.testing.nouns import (
    LARGE,
    a_prediction,
    a_project,
    a_recommendation,
    a_run,
    a_trial,
)

# The first run is in time at 10 USD, the second late, the third in time at 5: the best costs 4.
TRUTH = TrialTruth(
    best_spec=LARGE,
    best_usd=4.0,
    billed_usd={"r-1": 11.0, "r-2": 8.0, "r-3": 5.0},
    duration_s={"r-1": 90.0, "r-2": 120.0, "r-3": 80.0},
    expected_usd={"r-1": 10.0, "r-3": 5.0},
)


def a_record(policy="engine", truth=TRUTH, **changes):
    trial = a_trial(policy=policy, truth=truth, state=TrialState.SUCCEEDED)
    runs = [
        a_run("r-1"),
        a_run("r-2", ordinal=1, spec=LARGE, recommendation_id="r-1-next", runtime_s=33.0),
        a_run("r-3", ordinal=2, spec=LARGE, recommendation_id="r-1-next", runtime_s=40.0),
    ]
    record = TrialRecord(
        trial=trial,
        project=a_project(sla=Sla(100.0, 0.1)),
        runs=runs,
        recommendations=[a_recommendation(prediction=a_prediction(30.0))],
        profiles={},
    )
    return replace(record, **changes)


def figures(*records):
    return workspace_figures(records)


def test_regret_is_what_the_best_cluster_in_time_so_far_costs_more():
    regret = figures(a_record())["engine"].search.regret_after
    assert [regret[n].mean for n in ("1", "2", "3")] == pytest.approx([1.5, 1.5, 0.25])


def test_steps_count_runs_until_near_and_one_more_if_never():
    steps = figures(a_record())["engine"].search.steps_to_within
    assert steps["1.2"].mean == 4.0
    near = replace(TRUTH, best_usd=5.0)
    assert figures(a_record(truth=near))["engine"].search.steps_to_within["1.0"].mean == 3.0


def test_cost_is_what_was_billed():
    assert figures(a_record())["engine"].cost_ratio.mean == pytest.approx((11 + 8 + 5) / 3 / 4)


def test_deadline_is_held_against_the_whole_run():
    assert figures(a_record())["engine"].sla.miss_fraction.mean == 0.5


def test_saving_compares_the_last_bill_with_the_first():
    assert figures(a_record())["engine"].savings.median_saving_fraction == pytest.approx(6 / 11)


def test_prediction_counts_the_first_run_on_a_recommendation():
    found = figures(a_record())["engine"].prediction
    assert found.median_ape == pytest.approx(1 - 30 / 33)
    assert found.coverage_80.mean == 1.0


def test_guesses_of_a_policy_without_a_model_are_no_predictions():
    assert figures(a_record("random"))["random"].prediction.mape is None


def test_policies_stand_side_by_side():
    found = figures(a_record(), a_record("static", recommendations=[]))
    assert list(found) == ["engine", "static"]
    assert [each.projects for each in found.values()] == [1, 1]


def test_failed_run_is_counted_and_no_cluster_is_the_better_for_it():
    failed = [replace(a_run("r-3"), state=RunState.FAILED, runtime_s=None, failure="oom")]
    found = figures(a_record(runs=failed))["engine"]
    assert found.failures_per_project.mean == 1.0
    assert found.search.regret_after["1"] is None


def test_trial_set_aside_is_told_and_counts_in_nothing_else():
    aside = a_trial(state=TrialState.SET_ASIDE, failure="gone")
    found = figures(a_record(), a_record(trial=aside, runs=[]))["engine"]
    assert (found.projects, found.set_aside) == (1, 1)


def test_mean_is_of_projects_and_its_error_of_workloads():
    dear = replace(TRUTH, billed_usd=dict.fromkeys(TRUTH.billed_usd, 40.0))
    cheap = replace(TRUTH, billed_usd=dict.fromkeys(TRUTH.billed_usd, 4.0))
    other = replace(a_record(truth=dear).trial, workload="tpcds/q2")
    records = [a_record(truth=cheap), a_record(truth=cheap), a_record(trial=other)]
    found = figures(*records)["engine"].cost_ratio
    assert found.mean == pytest.approx((1 + 1 + 10) / 3)
    # Two workloads whose residuals sum to -6 and 6, over three projects.
    assert found.se == pytest.approx((2 / 1 * (6**2 + 6**2)) ** 0.5 / 3)


def test_one_workload_alone_tells_no_error():
    assert figures(a_record(), a_record())["engine"].cost_ratio.se is None
