"""A verdict is given beyond chance, between experiments that can be compared, and only then."""

from dataclasses import replace

import numpy as np
import pytest

from isocost.domain.experiment import SlaBasis, SlaRule, TrialState
from isocost.errors import InvalidInput
from isocost.jobbank.analysis.comparison import Verdict, compare
from isocost.jobbank.analysis.estimates import clustered_mean, jackknifed
from isocost.jobbank.analysis.measures import measured
from isocost.jobbank.rows import rows_of
from isocost.testing.experiments import Behaviour, Scale, an_experiment_record


def of(record):
    return measured(record.experiment, rows_of(record))


def an_experiment_measured(name="a", **options):
    return of(an_experiment_record(name, **options))


USUAL = an_experiment_measured()


def verdicts(comparison):
    return {measure.name: measure.verdict.value for measure in comparison.measures}


def test_experiment_differs_in_nothing_from_itself():
    found = compare(USUAL, an_experiment_measured("b"))
    assert found.verdict is Verdict.NO_DIFFERENCE
    assert [(m.difference.low, m.difference.high) for m in found.measures] == [(0.0, 0.0)] * 5


@pytest.mark.parametrize(
    ("behaviour", "measure"),
    [
        (Behaviour(error_sd=0.3, interval_sd=0.3), "prediction_error"),
        (Behaviour(cost_ratio=0.75), "cost_over_baseline"),
        (Behaviour(late_share=0.4), "sla_misses"),
        (Behaviour(interval_sd=0.03), "coverage_gap"),
    ],
)
def test_each_measure_sees_its_own_change_and_only_that(behaviour, measure):
    worse = an_experiment_measured("b", behaviour=behaviour)
    found = verdicts(compare(USUAL, worse))
    assert {name for name, verdict in found.items() if verdict == "worse"} == {measure}
    assert verdicts(compare(worse, USUAL))[measure] == "better"


def test_trials_set_aside_are_worse_although_their_runs_count_nowhere():
    record = an_experiment_record("b")
    trials = [
        replace(t, trial=replace(t.trial, state=TrialState.SET_ASIDE))
        if t.trial.ordinal % 3
        else t
        for t in record.trials
    ]
    found = compare(USUAL, of(replace(record, trials=trials)))
    assert {n for n, v in verdicts(found).items() if v == "worse"} == {"set_aside"}


def test_worse_in_one_measure_is_worse_whatever_else_is_better():
    found = compare(USUAL, an_experiment_measured("b", behaviour=Behaviour(0.3, 0.3, 0.3)))
    assert verdicts(found)["cost_over_baseline"] == "better"
    assert found.verdict is Verdict.WORSE


def test_last_digits_of_another_machine_are_no_difference():
    digits = tuple(
        replace(
            t, cost_ratio=t.cost_ratio * (1 + 1e-15), error_fraction=t.error_fraction * (1 + 1e-15)
        )
        for t in USUAL.trials
    )
    found = compare(USUAL, replace(USUAL, trials=digits))
    assert set(verdicts(found).values()) == {"no difference"}


def test_chance_alone_is_called_a_difference_in_at_most_one_of_twenty_comparisons():
    scale = Scale(workload_count=8, cold_start_count=2, run_count=4)
    drawn = [an_experiment_measured(str(seed), seed=seed, scale=scale) for seed in range(2 * 80)]
    alarms = [
        compare(a, b).verdict is not Verdict.NO_DIFFERENCE
        for a, b in zip(drawn[::2], drawn[1::2], strict=True)
    ]
    assert sum(alarms) <= 0.05 * len(alarms) + 2 * (0.05 * 0.95 * len(alarms)) ** 0.5


def test_policies_are_compared_where_each_experiment_has_one():
    other = an_experiment_measured("b", policies=("random",), behaviour=Behaviour(cost_ratio=1.2))
    found = compare(USUAL, other)
    assert found.notes[0] == "Policy engine is compared with policy random."
    assert verdicts(found)["cost_over_baseline"] == "worse"
    assert verdicts(found)["prediction_error"] == "not measured"


def test_of_several_policies_only_those_of_one_name_are_paired():
    both = an_experiment_measured("b", policies=("engine", "random"))
    found = compare(USUAL, both)
    assert found.pair_count == 36
    assert "36 trials have no partner" in found.notes[0]


def test_pairs_that_began_elsewhere_are_told():
    moved = tuple(replace(t, start="9 × other") for t in USUAL.trials)
    assert (
        "36 of 36 pairs began on different"
        in compare(USUAL, replace(USUAL, trials=moved)).notes[0]
    )


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            an_experiment_measured("b", platform="spark_local"),
            "platform differs, workspace against",
        ),
        (
            an_experiment_measured("b", scale=Scale(run_count=3)),
            "runs a trial differs, 5 against 3",
        ),
        (replace(USUAL, name="b", open_count=4), "'b' has 4 trials left to run"),
        (replace(USUAL, trials=USUAL.trials[:5]), "5 trials in common"),
        (replace(USUAL, trials=()), "0 trials in common"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(other, words):
    with pytest.raises(InvalidInput, match=words):
        compare(USUAL, other)


def test_other_deadlines_cannot_be_compared():
    record = an_experiment_record("b")
    rule = SlaRule(SlaBasis.FASTEST, 1.5)
    plan = replace(record.experiment.plan, sla_rule=rule)
    other = of(replace(record, experiment=replace(record.experiment, plan=plan)))
    with pytest.raises(
        InvalidInput, match=r"rule of deadlines differs, none against fastest:1\.5"
    ):
        compare(USUAL, other)


def test_few_workloads_with_many_cold_starts_are_compared_trial_by_trial():
    scale = Scale(workload_count=2, cold_start_count=9)
    one = an_experiment_measured(scale=scale)
    assert compare(one, replace(one, name="b")).unit == "trial"


def test_interval_of_means_holds_the_true_mean_as_often_as_it_says():
    chance = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        values = [(str(n % 8), x) for n, x in enumerate(chance.normal(5.0, 1.0, size=24))]
        found = clustered_mean(values)
        hits += found.low <= 5.0 <= found.high
    assert hits / 400 == pytest.approx(0.95, abs=0.03)


def test_jackknife_of_a_mean_is_the_interval_of_the_mean():
    values = [1.0, 4.0, 2.0, 8.0, 5.0]
    direct = clustered_mean([(str(v), v) for v in values])
    indirect = jackknifed(values, lambda vs: sum(vs) / len(vs), value_count=5, confidence=0.95)
    assert (indirect.low, indirect.high) == pytest.approx((direct.low, direct.high))
