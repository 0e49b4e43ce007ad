"""Each answer of the analysis finds what was put into the rows, and says when it cannot tell."""

from dataclasses import replace

import numpy as np
import pytest

from isocost.jobbank.analysis.billing import billings
from isocost.jobbank.analysis.calibration import coverage, places, promises
from isocost.jobbank.analysis.changes import DIMENSIONS, bands, families
from isocost.jobbank.analysis.deadlines import misses_by_phase
from isocost.jobbank.analysis.explanation import explain_errors
from isocost.jobbank.analysis.headline import headlines
from isocost.jobbank.analysis.iterations import learning_curve
from isocost.jobbank.analysis.regret import regrets
from isocost.jobbank.analysis.selection import judged_predictions
from isocost.jobbank.analysis.workloads import costs_by_workload, errors_by_workload
from isocost.jobbank.rows import Rows, rows_of
from isocost.testing.experiments import Behaviour, Scale, an_experiment_record

ROWS = rows_of(an_experiment_record())
USUAL = ROWS.predictions[0]
SIZE, WORKERS, MEMORY, DATA = DIMENSIONS


def a_prediction(error=0.0, **fields):
    """Return a prediction that is off by `error`, with intervals of 10 and 20 % around it."""
    predicted_s = 100.0 * (1 + error)
    told = {
        "predicted_s": predicted_s,
        "actual_s": 100.0,
        "error_fraction": error,
        "low_80_s": predicted_s * 0.9,
        "high_80_s": predicted_s * 1.1,
        "low_95_s": predicted_s * 0.8,
        "high_95_s": predicted_s * 1.2,
        "is_in_80": predicted_s * 0.9 <= 100.0 <= predicted_s * 1.1,
        "is_in_95": predicted_s * 0.8 <= 100.0 <= predicted_s * 1.2,
        "node_size_ratio": 1.0,
        "worker_ratio": 1.0,
        "memory_per_core_ratio": 1.0,
        "input_ratio": 1.0,
        "is_other_family": False,
        "history_count": 3,
    }
    return replace(USUAL, **(told | fields))


def a_run(**fields):
    return replace(ROWS.runs[1], **fields)


def test_bands_part_predictions_by_what_changed():
    told = [a_prediction(0.1), a_prediction(-0.1), a_prediction(0.5, worker_ratio=4.0)]
    same, more = bands(told, WORKERS)
    assert (same.low, same.high, same.error.mean) == (1.0, 1.0, pytest.approx(0.1))
    assert (more.low, more.error.mean, more.inside) == (4.0, pytest.approx(0.5), 0.0)


def test_prediction_without_a_known_ratio_is_in_no_band():
    assert bands([a_prediction(input_ratio=None)], DATA) == []


def test_memory_per_core_is_told_apart_from_size():
    told = [a_prediction(0.1, memory_per_core_ratio=0.5), a_prediction(0.3)]
    assert [band.error.mean for band in bands(told, MEMORY)] == pytest.approx([0.1, 0.3])
    assert len(bands(told, SIZE)) == 1


def test_bias_has_the_sign_of_the_error():
    assert bands([a_prediction(-0.3)], SIZE)[0].bias == pytest.approx(-0.3)


def test_families_are_told_apart():
    told = [a_prediction(0.1), a_prediction(0.4, is_other_family=True)]
    found = {name: band.error.mean for name, band in families(told).items()}
    assert found == pytest.approx({"same family": 0.1, "another family": 0.4})


def test_learning_curve_follows_the_runs():
    told = [a_prediction(0.4, child_ordinal=1), a_prediction(0.1, child_ordinal=3)]
    found = [(each.ordinal, each.error.mean) for each in learning_curve(told)]
    assert found == [(1, pytest.approx(0.4)), (3, pytest.approx(0.1))]


def test_workloads_come_worst_first():
    rows = Rows((), (), [a_prediction(0.1, workload="a"), a_prediction(0.5, workload="b")])
    assert [each.workload for each in errors_by_workload(rows)] == ["b", "a"]


def test_guesses_of_a_policy_without_a_model_are_no_predictions():
    assert judged_predictions(Rows((), (), [a_prediction(policy="random")])) == []


def test_places_of_a_sharp_and_biased_prediction_pile_up_at_one_end():
    found = places([a_prediction(-0.5), a_prediction(0.0)])
    assert [place.found for place in found] == [0.0, 0.0, 0.5, 0.0, 0.0, 0.5]
    assert sum(place.expected for place in found) == pytest.approx(1.0)


def test_intervals_drawn_from_the_truth_hold_as_often_as_they_say():
    scale = Scale(workload_count=40, cold_start_count=5, run_count=6)
    told = judged_predictions(rows_of(an_experiment_record(scale=scale)))
    inside_80, inside_95 = coverage(told)
    assert inside_80.mean == pytest.approx(0.80, abs=0.03)
    assert inside_95.mean == pytest.approx(0.95, abs=0.02)
    assert [p.found for p in places(told)] == pytest.approx(
        [p.expected for p in places(told)], abs=0.03
    )


def test_promises_are_held_against_what_came():
    told = [a_prediction(sla_probability=0.92, child_run_id=str(n)) for n in range(4)]
    runs = [a_run(run_id=str(n), is_late=n == 0) for n in range(4)]
    (found,) = promises(told, runs)
    assert (found.promised, found.kept.mean) == (pytest.approx(0.92), 0.75)


def test_regret_falls_to_the_best_cluster_so_far_and_never_rises():
    trial = replace(ROWS.trials[0], best_usd=1.0)
    usd = (3.0, None, 1.5, 2.0)
    runs = [
        a_run(trial_id=trial.trial_id, ordinal=n, expected_usd=each) for n, each in enumerate(usd)
    ]
    found = [each.excess.mean for each in regrets(Rows([trial], runs, ()), trial.policy)]
    assert found == [2.0, 2.0, 0.5, 0.5]


def test_project_without_a_run_in_time_counts_in_no_excess_but_is_told():
    trials = [replace(ROWS.trials[0], trial_id=i, workload=i, best_usd=1.0) for i in ("a", "b")]
    runs = [
        a_run(trial_id="a", ordinal=0, expected_usd=2.0),
        a_run(trial_id="b", ordinal=0, expected_usd=None),
    ]
    (found,) = regrets(Rows(trials, runs, ()), "engine")
    assert (found.excess.mean, found.found) == (1.0, 0.5)


def test_real_spark_has_no_regret_for_nobody_knows_the_cheapest():
    rows = rows_of(an_experiment_record(platform="spark_local"))
    assert regrets(rows, "engine") == []
    assert billings(rows) == []


def test_misses_are_counted_in_the_phase_that_the_run_was_started_in():
    runs = [
        a_run(phase="learning", is_late=True),
        a_run(phase="learning", is_late=False),
        a_run(phase="optimizing", is_late=False),
        a_run(phase="optimizing", is_late=None),
    ]
    found = {each.phase: each.share.mean for each in misses_by_phase(Rows((), runs, ()))}
    assert found == {"learning": 0.5, "optimizing": 0.0}


def test_failed_run_is_paid_for_and_made_up_for():
    trial = ROWS.trials[0]
    runs = [
        a_run(trial_id=trial.trial_id, ordinal=0, list_usd=2.0),
        a_run(trial_id=trial.trial_id, ordinal=1, list_usd=1.0, state="failed"),
    ]
    (found,) = costs_by_workload(Rows([trial], runs, ()))["engine"]
    assert found.ratio.mean == 1.5


def test_bill_is_held_against_the_list_cost_by_purchase():
    runs = [
        a_run(list_usd=2.0, billed_usd=1.8, spot_usd=0.5, disk_usd=0.0),
        a_run(list_usd=2.0, billed_usd=2.1, spot_usd=0.0, disk_usd=0.1),
        a_run(list_usd=2.0, billed_usd=None),
    ]
    found = {each.purchase: each.excess.mean for each in billings(Rows((), runs, ()))}
    assert found == pytest.approx({"spot": -0.1, "on demand, with volumes": 0.05})


def of_known_causes(count=600, *, per_doubling=4.0, other_family=10.0, seed=5):
    """Return predictions whose errors are made by two causes and chance."""
    chance = np.random.default_rng(seed)
    told = []
    for n in range(count):
        doublings = int(chance.integers(-2, 3))
        is_other = bool(chance.integers(2))
        points = 5.0 + per_doubling * abs(doublings) + other_family * is_other
        off = np.exp((points + chance.normal(scale=2.0)) / 100 * chance.choice([-1, 1]))
        told.append(
            a_prediction(
                float(off - 1),
                workload=f"w/{n % 30}",
                worker_ratio=2.0**doublings,
                is_other_family=is_other,
                history_count=int(chance.integers(1, 4)),
            )
        )
    return told


def test_causes_that_made_the_errors_are_found_with_their_size():
    found = explain_errors(of_known_causes(), [])
    terms = {term.words: term for term in found.terms}
    workers, family = terms["twice or half as many workers"], terms["another family of machines"]
    assert workers.points == pytest.approx(4.0, abs=3 * workers.se)
    assert family.points == pytest.approx(10.0, abs=3 * family.se)
    assert workers.is_clear
    assert family.is_clear
    assert found.base_points == pytest.approx(5.0, abs=3 * found.base_se)
    assert found.r_squared > 0.7


def test_what_made_nothing_is_seldom_called_a_cause():
    alarms = [
        term.is_clear
        for seed in range(40)
        for term in explain_errors(of_known_causes(300, seed=seed), []).terms
        if term.words == "only one run to learn from"
    ]
    assert sum(alarms) <= 6  # 2 of 40 are expected; more than 6 are rarer than 1 in 200


def test_what_never_changed_is_told_and_not_fitted():
    found = explain_errors(of_known_causes(), [])
    assert "twice or half the data" in found.unvarying
    assert "twice or half the data" not in {term.words for term in found.terms}


def test_cause_seen_only_with_another_is_not_fitted_beside_it():
    told = [replace(each, memory_per_core_ratio=each.worker_ratio) for each in of_known_causes()]
    found = explain_errors(told, [])
    assert "twice or half the memory per core" in found.unvarying


def test_few_predictions_are_not_explained():
    assert explain_errors(of_known_causes(20), []) is None


def test_headline_of_each_policy_counts_its_own_trials_only():
    rows = rows_of(an_experiment_record(policies=("engine", "random"), behaviour=Behaviour()))
    engine, random = headlines(rows)
    assert (engine.projects, random.projects) == (36, 36)
    assert engine.inside is not None
    assert random.inside is None


def test_headline_counts_the_projects_that_its_regret_leaves_out():
    rows = rows_of(an_experiment_record(policies=("engine", "static")))
    late = {trial.trial_id for trial in rows.trials if trial.policy == "static"}
    late = set(sorted(late)[:5])
    runs = [replace(r, expected_usd=None) if r.trial_id in late else r for r in rows.runs]
    engine, static = headlines(replace(rows, runs=runs))
    assert (engine.without_regret, static.without_regret) == (0, 5)
    assert static.regret.value_count == static.projects - 5


def test_project_late_once_is_left_out_of_no_regret():
    rows = rows_of(an_experiment_record())
    runs = [replace(run, expected_usd=None) if run.ordinal else run for run in rows.runs]
    assert headlines(replace(rows, runs=runs))[0].without_regret == 0
