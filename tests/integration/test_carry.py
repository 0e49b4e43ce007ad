"""One trial lived through in a simulated workspace, over HTTP, by the loop that users have."""

from dataclasses import replace
from functools import partial

import pytest

from isocost.catalog.shipped import load
from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import (
    ColdShape,
    ColdStart,
    ExperimentPlan,
    SlaBasis,
    SlaRule,
    Trial,
    TrialState,
)
from isocost.domain.workspace import Cloud
from isocost.errors import ClusterTooLarge, PlatformError
from isocost.jobbank.vault import shelf
from isocost.jobbank.workspace_plans import Grounds
from isocost.jobbank.workspace_truth import Judge
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import a_project, an_experiment
from isocost.usecases.carry import carrier, carry
from isocost.usecases.trials import carry_stored
from isocost.wiring import open_stand

GROUNDS = Grounds(shelf.shipped(), load())
PLAN = ExperimentPlan(
    platform="workspace",
    workloads=("tpcds/q96",),
    cold_starts=(),
    runs_per_trial=2,
    miss_fraction=0.1,
    seed=7,
    sla_rule=SlaRule(SlaBasis.COLD_START, 1.2),
    drawn_count=1,
    cloud=Cloud.AWS,
)
TRIAL = Trial(
    trial_id="nightly-0000",
    experiment="nightly",
    ordinal=0,
    project_id="nightly-0000",
    workload="tpcds/q96",
    cold_start=ColdStart(ClusterSpec("m5.2xlarge", 8), shape=ColdShape(disk_gib=100)),
    input_gb=20.0,
)


def carried(trial=TRIAL, **changes):
    return carrier(GROUNDS, open_stand)(trial, replace(PLAN, **changes))


def test_rows_belong_to_the_trials_project():
    record = carried()
    ids = {each.project_id for each in (record.project, *record.runs, *record.recommendations)}
    assert ids == {"nightly-0000"}
    assert all(run.run_id.startswith("nightly-0000-") for run in record.runs)
    assert {r.parent_run_id for r in record.recommendations} <= {r.run_id for r in record.runs}
    assert record.runs[1].recommendation_id == record.recommendations[0].recommendation_id


@pytest.mark.parametrize(
    ("rule", "low_s", "high_s"),
    [
        (SlaRule(SlaBasis.MINUTES, 30), 1800.0, 1800.0),
        (SlaRule(SlaBasis.FASTEST, 1.5), 1.5 * 200, 1.5 * 600),
    ],
)
def test_deadline_follows_the_rule(rule, low_s, high_s):
    record = carried(sla_rule=rule, runs_per_trial=1)
    assert low_s <= record.project.sla.max_runtime_s <= high_s
    assert record.trial.cold_start.max_runtime_s == record.project.sla.max_runtime_s


def test_without_a_rule_there_is_no_deadline():
    record = carried(sla_rule=None, runs_per_trial=1)
    assert record.project.sla is None
    assert record.trial.truth.best_usd is not None


def test_deadline_of_the_cold_start_is_a_factor_of_what_it_takes():
    record = carried(runs_per_trial=1)
    (took_s,) = record.trial.truth.duration_s.values()
    assert record.project.sla.max_runtime_s == pytest.approx(1.2 * took_s, rel=0.25)


def test_reason_names_the_deadline_of_the_project_and_what_is_left_of_it():
    record = carried(runs_per_trial=2)
    whole = f"the deadline of {record.max_runtime_s:,.0f} s"
    told = f"{whole} (of which start-up and other steps leave"
    reasons = [each.evidence.reason for each in record.recommendations]
    assert reasons
    assert all(told in reason for reason in reasons)


def test_databricks_autoscaling_begins_with_one_worker_and_stays():
    record = carried(replace(TRIAL, policy="autoscaling"))
    assert {run.asked_spec for run in record.runs} == {TRIAL.cold_start.spec}
    workers = [n for n in record.runs[0].timeline.nodes if not n.is_driver]
    assert min(node.started_at for node in workers) < max(node.started_at for node in workers)


@pytest.mark.parametrize("policy", ["random", "bayes"])
def test_rivals_choose_clusters_through_the_same_loop(policy):
    record = carried(replace(TRIAL, policy=policy))
    assert record.runs[1].asked_spec == record.recommendations[0].spec != TRIAL.cold_start.spec


def test_spot_and_azure_can_be_begun_on():
    start = ColdStart(ClusterSpec("Standard_D8s_v3", 4), shape=ColdShape(2, is_spot=True))
    record = carried(replace(TRIAL, cold_start=start), cloud=Cloud.AZURE)
    assert record.runs[0].asked_spec == start.spec
    assert any(node.is_spot for node in record.runs[0].timeline.nodes)


def test_cold_start_on_which_it_fails_is_set_aside_with_its_reason():
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(a_project(project_id="nightly-0000"))
        tx.put_experiment(an_experiment(plan=PLAN))
        tx.put_trial(TRIAL)
    judge = _failing()
    carry_it = partial(carry, judge=judge, open_stand=open_stand)
    trial = carry_stored(store, "nightly", "nightly-0000", carry=carry_it)
    assert trial.state is TrialState.SET_ASIDE
    assert "does not succeed on its cold start, 8 × m5.2xlarge" in trial.failure


def _failing():
    judge = GROUNDS.judge_of("tpcds/q96", 20.0, Cloud.AWS)
    stages = tuple(
        replace(stage, memory_bytes=64e12, rigid_memory_fraction=1.0)
        for stage in judge.workload.stages
    )
    workload = replace(judge.workload, stages=stages)
    return Judge(workload, judge._machinery)


def test_cold_start_on_which_it_fails_raises_before_any_run():
    with pytest.raises(ClusterTooLarge):
        carry(TRIAL, PLAN, judge=_failing(), open_stand=open_stand)


def test_fault_that_stays_is_tried_three_times_and_then_set_aside():
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(a_project(project_id="nightly-0000"))
        tx.put_experiment(an_experiment(plan=PLAN))
        tx.put_trial(TRIAL)
    tries = []

    def failing(trial, plan):
        tries.append(trial.attempt_count)
        raise PlatformError("the workspace is gone")

    trial = carry_stored(store, "nightly", "nightly-0000", carry=failing)
    assert tries == [0, 1, 2]
    assert trial.state is TrialState.SET_ASIDE
    assert "after 3 attempts" in trial.failure
    assert "the workspace is gone" in trial.failure
