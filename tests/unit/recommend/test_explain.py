"""The sentences: each says its numbers, and what speaks most against the others."""

from dataclasses import replace

import pytest

from isocost.domain.project import Phase
from isocost.model.history import Ending
from tests.unit.model.clusters import COMPUTE, a_run, on, runs_on
from tests.unit.recommend.questions import ask, carried_on


def told(*history, **changes):
    return ask(*history, **changes).evidence


def test_trial_says_what_it_should_save_and_how_sure_it_is():
    advice = ask(*runs_on(on(4), on(8), on(2)), max_runtime_s=300.0)
    reason = advice.evidence.reason
    assert reason.startswith(f"{advice.spec} is worth a trial: ")
    assert (
        f"deadline of 300 s is {advice.prediction.sla_probability:.0%}".replace("%", " %")
        in reason
    )
    assert f"80 % between {advice.prediction.runtime_80_s.low:.0f} s" in reason
    assert "it should save the cost of" in reason


def test_settled_choice_says_that_nothing_else_pays():
    advices, _ = carried_on(*runs_on(on(16)), max_runtime_s=400.0)
    reason = advices[-1].evidence.reason
    assert f"{advices[-1].spec} is the cheapest cluster tried of those that keep" in reason
    assert reason.endswith("Nothing untried promises to pay its trial back.")


def test_deadline_not_kept_yet_comes_first():
    reason = told(*runs_on(on(4), on(2)), max_runtime_s=150.0).reason
    expected = (
        "No cluster tried yet is expected to keep the deadline of 150 s, so that comes first: "
    )
    assert reason.startswith(expected)


def test_share_of_a_deadline_is_told_with_the_deadline_that_people_know():
    reason = told(*runs_on(on(4), on(2)), max_runtime_s=150.0, deadline_s=400.0).reason
    assert (
        "to keep the deadline of 400 s (of which start-up and other steps leave 150 s), so"
        in reason
    )


def test_deadline_that_is_all_the_applications_is_told_once():
    reason = told(*runs_on(on(4), on(2)), max_runtime_s=150.0, deadline_s=150.0).reason
    assert "to keep the deadline of 150 s, so" in reason


def test_hopeless_deadline_is_said_with_the_nearest_its_cost_and_a_remedy():
    advice = ask(*runs_on(on(4), on(8)), max_runtime_s=20.0)
    reason = advice.evidence.reason
    assert reason.startswith("No candidate promises to keep the deadline of 20.0 s. ")
    assert f"{advice.spec} comes nearest" in reason
    assert f"{advice.prediction.cost_usd:.3g} USD" in reason
    assert "Raise the maximum runtime" in reason


def test_fastest_tried_is_named_where_nothing_is_left():
    found = told(*runs_on(on(4), on(8)), max_runtime_s=20.0, space=(on(4), on(8)))
    assert "8 × general is the fastest tried: 171 s expected" in found.reason
    assert found.explanation[-1] == (
        "Not 4 × general: 288 s expected, and speed counts until the deadline is kept."
    )


def test_cheaper_cluster_about_as_fast_is_not_called_the_fastest():
    history = [a_run(on(8), 300.0, "r-1"), a_run(on(4), 305.0, "r-2")]
    reason = told(*history, max_runtime_s=20.0, space=(on(4), on(8))).reason
    assert (
        "4 × general is the cheapest of those about as fast as the fastest tried: 305 s" in reason
    )


def test_history_is_told_cluster_by_cluster():
    history = [
        a_run(on(4), 100.0),
        a_run(on(4), 104.0),
        a_run(on(2), 250.0, is_disturbed=True),
        a_run(on(1), 900.0, ending=Ending.TIMED_OUT),
        replace(a_run(on(1, COMPUTE)), ending=Ending.FAILED),
    ]
    assert told(*history).explanation[0] == (
        "Learned from 5 runs: 4 × general took 100 s to 104 s in 2 runs; 2 × general took 250 s, "
        "but was disturbed; 1 × general was stopped after 900 s; 1 × compute failed."
    )


def test_one_run_is_told_in_the_singular():
    assert told(*runs_on(on(4))).explanation[0] == "Learned from one run: 4 × general took 288 s."


def test_long_history_is_told_by_its_end():
    first = told(*runs_on(*[on(n) for n in (1, 2, 3, 4, 6, 8, 12)])).explanation[0]
    assert first.startswith("Learned from 7 runs, the last ones: 2 × general took ")
    assert "1 × general" not in first


def test_uncertainty_is_told_by_its_causes():
    sentence = told(*runs_on(on(4))).explanation[1]
    assert sentence.startswith("What is not known of ")
    assert sentence.count(" %") == 3


def test_next_three_are_told_with_reasons():
    whys = [s for s in told(*runs_on(on(4))).explanation if s.startswith("Not ")]
    assert len(whys) == 3


def test_late_candidate_is_refused_for_its_chance_not_its_cost():
    whys = told(*runs_on(on(4), on(8), on(2)), max_runtime_s=300.0).explanation[-3:]
    assert all("the chance that it keeps the deadline is " in why for why in whys)


def test_cluster_likely_to_fail_is_refused_for_that():
    lean = [replace(a_run(on(n, COMPUTE)), ending=Ending.FAILED) for n in (4, 6, 8)]
    whys = told(*lean, *runs_on(on(4), on(16)), space=(on(4), on(16), on(2, COMPUTE))).explanation
    assert any(w.startswith("Not 2 × compute: it fails with a chance of ") for w in whys)


def test_dearer_candidate_is_refused_with_how_much_more():
    advices, _ = carried_on(*runs_on(on(4)), space=(on(4), on(16)), runs=6)
    assert any(
        w.startswith("Not 16 × general: ") and " % more." in w
        for w in advices[-1].evidence.explanation
    )


@pytest.mark.parametrize("news", ["the deadline changed", "prices changed"])
def test_new_phase_says_why(news):
    steady = runs_on(on(4), on(4), on(8))
    found = ask(*steady, phase=Phase.OPTIMIZING, news=news)
    assert f"Learning again, because {news}." in found.evidence.explanation
