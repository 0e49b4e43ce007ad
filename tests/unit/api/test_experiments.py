"""What the API answers about experiments."""

import pytest

from isocost.store.memory import MemoryStore
from isocost.testing.experiments import Scale, an_experiment_record, put_record
from tests.unit.api.test_api import Door


@pytest.fixture(scope="module")
def door():
    store = MemoryStore()
    scale = Scale(workload_count=6, cold_start_count=2, run_count=3)
    put_record(store, an_experiment_record("grown", scale=scale, policies=("engine", "random")))
    put_record(store, an_experiment_record("one", scale=Scale(1, 2, 3), platform="spark_local"))
    return Door(store)


def test_experiments_are_listed_with_how_far_they_are(door):
    found = door.get("/v1/experiments").json["experiments"]
    told = {
        each["name"]: (each["is_simulated"], each["trial_counts"]["succeeded"]) for each in found
    }
    assert told == {"grown": (True, 24), "one": (False, 2)}


def test_policies_have_their_figures_with_intervals(door):
    engine, random = door.get("/v1/experiments/grown").json["policies"]
    assert (engine["policy"], engine["projects"], engine["runs"]) == ("engine", 12, 36)
    assert engine["cost"]["low"] < engine["cost"]["mean"] < engine["cost"]["high"]
    assert engine["cost"]["mean"] == pytest.approx(0.6, abs=0.03)
    assert random["inside"] is None


def test_interval_of_one_workload_is_not_known(door):
    (engine,) = door.get("/v1/experiments/one").json["policies"]
    assert engine["cost"]["mean"] == pytest.approx(0.6, abs=0.1)
    assert (engine["cost"]["low"], engine["cost"]["high"]) == (None, None)


def test_unknown_experiment_is_a_problem(door):
    answer = door.get("/v1/experiments/nobody")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
