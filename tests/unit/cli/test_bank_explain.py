"""What `isocost bank explain` tells of a stored experiment, to people and to machines."""

import json
import sys
from dataclasses import replace

import pytest

from isocost.cli.app import main
from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import TrialState
from isocost.domain.recommendation import Cause, ConsideredCandidate
from isocost.settings import read_settings
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import (
    LARGE,
    SMALL,
    a_prediction,
    a_project,
    a_recommendation,
    a_run,
    a_trial,
    an_experiment,
)

HUGE = ClusterSpec("local-4c-8g", 1)
CAUSES = (Cause("memory", 0.7), Cause("run-to-run noise", 0.3))


def considered(spec, runtime_s, cost_usd, **changes):
    return ConsideredCandidate(spec, a_prediction(runtime_s, cost_usd=cost_usd, **changes))


def an_advice(recommendation_id="r-1-next", reason="LARGE it is.", **changes):
    """Return a recommendation of the large cluster, with SMALL and HUGE on the curve beside it."""
    advice = a_recommendation(recommendation_id, prediction=a_prediction(20.0, causes=CAUSES))
    evidence = replace(
        advice.evidence,
        reason=reason,
        explanation=("Learned from one run.", "Not SMALL: late."),
        considered=(
            considered(LARGE, 20.0, 0.002, causes=CAUSES),
            considered(HUGE, 10.0, 1.25, sla_probability=None),
            considered(SMALL, 40.0, 0.001, sla_probability=0.125),
            considered(ClusterSpec("dear-and-slow", 1), 90.0, 9.0),
        ),
        tradeoff=(SMALL, LARGE, HUGE),
        candidate_count=77,
    )
    return replace(advice, evidence=evidence, **changes)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Return an open store that holds trial t-1 of experiment nightly, and its one run."""
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path / "home"))
    settings = read_settings({"ISOCOST_HOME": str(tmp_path / "home")})
    opened = SqlStore(settings.storage.database)
    with opened.transaction() as tx:
        tx.put_experiment(an_experiment())
        tx.put_project(a_project())
        tx.put_run(a_run())
        tx.put_trial(a_trial())
    yield opened
    opened.close()


@pytest.fixture
def explain(store, monkeypatch, capsys):
    """Return a function that explains experiment nightly; it returns exit code and output."""

    def run(*options, advice=()):
        with store.transaction() as tx:
            for one in advice:
                tx.put_recommendation(one)
        monkeypatch.setattr(sys, "argv", ["isocost", "bank", "explain", "nightly", *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    return run


def test_reason_and_explanation_are_told(explain):
    code, told = explain(advice=[an_advice()])
    assert (code, told.err) == (0, "")
    for sentence in ("LARGE it is.", "Learned from one run.", "Not SMALL: late."):
        assert sentence in told.out


def test_table_holds_the_curve_by_cost_and_marks_the_choice(explain):
    _, told = explain(advice=[an_advice()])
    rows = [line.split() for line in told.out.splitlines() if "× local-" in line]
    assert [row[:2] == ["→", "1"] for row in rows] == [False, True, False]
    assert [row[-2:] for row in rows] == [["12", "%"], ["95", "%"], ["1.25", "–"]]
    assert "18.0 to 22.0" in told.out
    assert "77 candidates" in told.out
    assert "dear-and-slow" not in told.out


def test_causes_of_the_uncertainty_are_told_with_their_shares(explain):
    _, told = explain(advice=[an_advice()])
    assert "memory 70 %, run-to-run noise 30 %" in told.out


def test_causes_are_not_told_twice(explain):
    advice = an_advice()
    evidence = replace(advice.evidence, explanation=("What is not known: memory 70 %.",))
    _, told = explain(advice=[replace(advice, evidence=evidence)])
    assert told.out.count("memory") == 1


def test_newest_recommendation_is_the_one_explained(explain):
    later = an_advice("r-1-next-2", reason="HUGE after all.")
    _, told = explain(advice=[an_advice(), later])
    assert "HUGE after all." in told.out
    assert "LARGE it is." not in told.out


def test_json_is_one_object_with_the_whole_prediction(explain):
    _, told = explain("--json", advice=[an_advice()])
    (project,) = json.loads(told.out)["projects"]
    (found,) = project["recommendations"]
    assert (project["trial_id"], project["max_runtime_s"]) == ("t-1", 60.0)
    assert [(p["cost_usd"], p["is_chosen"]) for p in found["tradeoff"]] == [
        (0.001, False),
        (0.002, True),
        (1.25, False),
    ]
    assert found["prediction"]["causes"][0] == {"name": "memory", "share": 0.7}


def test_project_without_a_recommendation_says_why(explain, store):
    with store.transaction() as tx:
        tx.put_trial(a_trial().with_abstention("r-1", "The only run failed."))
    _, told = explain()
    assert "The only run failed." in told.out


def test_policy_that_recommends_nothing_is_said_to(explain, store):
    with store.transaction() as tx:
        tx.put_project(a_project("p-2"))
        over = {"policy": "static", "state": TrialState.SUCCEEDED}
        tx.put_trial(a_trial("t-2", ordinal=1, project_id="p-2", **over))
    _, told = explain("--trial", "t-2")
    assert "All its runs are over; static recommends nothing." in told.out


def test_one_trial_can_be_asked_for(explain, store):
    with store.transaction() as tx:
        tx.put_project(a_project("p-2"))
        tx.put_trial(a_trial("t-2", ordinal=1, project_id="p-2", workload="tpcds/q2"))
    _, told = explain("--trial", "t-2")
    assert "tpcds/q2" in told.out
    assert "tpcds/q1" not in told.out


def test_each_heading_says_which_policy_chose(explain, store):
    with store.transaction() as tx:
        tx.put_project(a_project("p-2"))
        tx.put_trial(a_trial("t-2", ordinal=1, project_id="p-2", policy="bayes"))
    _, told = explain()
    assert "tpcds/q1 (engine, trial t-1, learning)" in told.out
    assert "tpcds/q1 (bayes, trial t-2, learning)" in told.out
    _, told = explain("--json")
    assert [each["policy"] for each in json.loads(told.out)["projects"]] == ["engine", "bayes"]


def test_unknown_trial_is_refused_with_those_there_are(explain):
    code, told = explain("--trial", "t-9")
    assert (code, told.out) == (2, "")
    assert "has no trial 't-9'. Its trials are: t-1." in told.err
