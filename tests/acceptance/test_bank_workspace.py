"""`isocost bank run --platform workspace` as a user runs it, small."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from isocost.domain.experiment import TrialEvent, TrialState
from isocost.domain.recommendation import RecommendationState
from isocost.domain.run import RunState
from isocost.settings import read_settings
from isocost.usecases.report import trial_records
from isocost.wiring import open_store

ASKED = ("--workloads", "tpcds/q9,tpcds/q96", "--cold-starts", "1", "--runs", "3", "--seed", "7")


class Bank:
    """The command with a home of its own."""

    def __init__(self, home):
        self.settings = read_settings({"ISOCOST_HOME": str(home)})
        self._environment = os.environ | {"ISOCOST_HOME": str(home)}

    def run(self, *options):
        command = [sys.executable, "-m", "isocost", "bank", "run", "--platform", "workspace"]
        return subprocess.run(
            [*command, *options],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def records(self, name):
        store = open_store(self.settings)
        try:
            with store.transaction(read_only=True) as tx:
                return list(trial_records(tx, name, with_profiles=True))
        finally:
            store.close()


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return Bank(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def answer(bank):
    policies = ("--policy", "engine,static", "--name", "tried", "--json")
    done = bank.run(*ASKED, *policies, "--processes", "2")
    assert done.returncode == 0, done.stderr
    assert "If interrupted, the same command with --name" in done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def records(bank, answer):
    return bank.records(answer["experiment"])


def test_answer_has_the_keys_that_others_rely_on(answer):
    assert (answer["experiment"], answer["projects"], answer["runs"]) == ("tried", 4, 12)
    assert answer["seconds"] > 0
    assert tuple(answer["policies"]) == ("engine", "static")
    for figures in answer["policies"].values():
        assert {"prediction", "search", "sla", "savings", "failures_per_project"} <= set(figures)
        assert set(figures["search"]["steps_to_within"]) == {"1.2", "1.1", "1.05", "1.0"}
        assert set(figures["search"]["regret_after"]) == {"1", "2", "3", "5", "10"}
        assert set(figures["search"]["cost_ratio_after"]) == {"10", "25", "50"}
    assert answer["policies"]["engine"]["prediction"]["coverage_80"].keys() == {"mean", "se"}
    assert answer["policies"]["static"]["prediction"]["mape"] is None


def test_every_trial_went_through_the_loop(records):
    for record in records:
        assert record.trial.state is TrialState.SUCCEEDED
        assert [run.state for run in record.runs] == [RunState.INGESTED] * 3
        assert set(record.profiles) == {run.run_id for run in record.runs}
        assert len(record.executions) == 3
        assert record.project.origin is None


def test_engine_changes_clusters_over_the_api_and_static_never_does(records):
    for record in records:
        specs = {run.asked_spec for run in record.runs}
        if record.trial.policy == "static":
            assert (specs, record.recommendations) == ({record.trial.cold_start.spec}, [])
        else:
            assert len(specs) > 1
            tried = record.recommendations[0]
            assert tried.state in {RecommendationState.KEPT, RecommendationState.ROLLED_BACK}
            assert record.runs[1].recommendation_id == tried.recommendation_id


def test_policies_of_one_cold_start_meet_the_same_luck(records):
    engine, static = records[:2]
    assert engine.trial.workload == static.trial.workload
    assert engine.runs[0].runtime_s == static.runs[0].runtime_s
    assert engine.project.sla == static.project.sla


def test_truth_knows_bills_and_a_best_cluster_that_is_no_dearer_than_the_first(records):
    for record in records:
        truth = record.trial.truth
        assert set(truth.billed_usd) == {run.run_id for run in record.runs}
        assert truth.best_usd <= truth.expected_usd[record.runs[0].run_id]


def test_same_seed_gives_the_same_trials_with_one_process(bank, records, tmp_path):
    alone = Bank(tmp_path)
    done = alone.run(
        *ASKED, "--policy", "engine,static", "--name", "tried", "--json", "--processes", "1"
    )
    assert done.returncode == 0, done.stderr
    assert alone.records("tried") == records


def test_what_is_done_is_not_done_again_and_what_was_interrupted_is(bank, answer):
    store = open_store(bank.settings)
    with store.transaction() as tx:
        *_, last = tx.trials_of("tried")
    before = {r.trial.trial_id: r for r in bank.records("tried")}
    with store.transaction() as tx:  # as if its process had been killed on the way
        began = replace(last, state=TrialState.QUEUED, truth=None)
        tx.put_trial(began.after(TrialEvent.LEASE))
    store.close()
    done = bank.run(*ASKED, "--policy", "engine,static", "--name", "tried", "--json")
    assert done.returncode == 0, done.stderr
    after = {r.trial.trial_id: r for r in bank.records("tried")}
    assert after[last.trial_id].trial.attempt_count == 1
    assert after[last.trial_id].runs == before[last.trial_id].runs
    del before[last.trial_id], after[last.trial_id]
    assert after == before
