"""Policies on made-up grids: the figures follow from the seeds alone."""

from dataclasses import replace

import pytest

from isocost.errors import NotFound
from isocost.jobbank.measured.plan import Prior, Protocol, Terms
from isocost.jobbank.pool import in_this_process
from isocost.testing.grids import a_cell, a_cluster, a_failed_run, a_workload
from isocost.usecases.measure import measure
from isocost.wiring import recorded_stage

CURVE_S = {n: 20.0 + 1000.0 / n + 2.0 * n for n in (1, 2, 3, 4, 6, 8, 10, 12, 16)}
WORKLOADS = (
    a_workload("sort", CURVE_S),
    a_workload("sort_big", {n: 2 * s for n, s in CURVE_S.items()}, program="sort"),
    a_workload("scan", {n: s + 5.0 * n for n, s in CURVE_S.items()}),
)


def silent(message, *, done, total):
    assert 0 <= done <= total


def measured(*workloads, spread=in_this_process, judged=None, **changes):
    terms = Terms(**{"policies": ("bayes", "random", "static"), "seeds": 2, "runs": 12} | changes)
    return measure(
        workloads or WORKLOADS,
        terms,
        set_stage=recorded_stage,
        spread=spread,
        progress=silent,
        judged=judged,
    )


def test_production_and_search_are_the_same_until_the_policy_stops():
    result = measured(policies=("bayes",), seeds=5)
    trials = {(t.trial.workload, t.trial.seed, t.trial.protocol): t for t in result.trajectories}
    for (workload, seed, protocol), search in trials.items():
        if protocol is Protocol.SEARCH:
            production = trials[workload, seed, Protocol.PRODUCTION]
            shared = min(len(search.steps), 6)
            assert search.steps[:shared] == production.steps[:shared]


def test_search_ends_at_the_cheapest():
    result = measured(policies=("bayes", "random"))
    best = {w.name: w.optimum(None).spec for w in WORKLOADS}
    for t in result.trajectories:
        if t.trial.protocol is Protocol.SEARCH:
            assert [s.spec for s in t.steps].index(best[t.trial.workload]) == len(t.steps) - 1


def test_production_makes_all_of_its_runs():
    result = measured()
    made = [t for t in result.trajectories if t.trial.protocol is Protocol.PRODUCTION]
    assert {len(t.steps) for t in made} == {12}


def test_static_costs_what_its_start_costs():
    result = measured(policies=("static",), cold_start="m5.large:16")
    for workload in WORKLOADS:
        ratio = workload.cell(a_cluster(16)).cost_usd / workload.optimum(None).cost_usd
        found = result.by_workload["static"][workload.name].cost_ratio_after["10"]
        assert found.mean == pytest.approx(ratio)


FAILING = a_workload(cells=(a_cell(1, a_failed_run()), *WORKLOADS[0].cells[1:]))


def test_removed_failures_are_never_met_and_kept_ones_are_charged():
    removed = measured(FAILING, policies=("random",), seeds=8)
    kept = measured(FAILING, policies=("random",), seeds=8, keeps_failures=True)
    assert removed.policies["random"].failures_per_project.mean == 0
    assert kept.policies["random"].failures_per_project.mean > 0
    charges = {s.cost_usd for t in kept.trajectories for s in t.steps if s.runtime_s is None}
    assert charges == {7.2}


def test_failed_cluster_is_not_tried_twice():
    kept = measured(FAILING, policies=("bayes", "random"), seeds=5, keeps_failures=True)
    for t in kept.trajectories:
        assert sum(s.runtime_s is None for s in t.steps) <= 1


@pytest.mark.parametrize("prior", list(Prior))
def test_engine_takes_any_prior(prior):
    result = measured(policies=("engine",), seeds=1, runs=3, prior=prior)
    assert result.policies["engine"].set_aside == 0
    assert result.policies["engine"].prediction.mape is not None


def test_workload_judged_alone_still_learns_from_the_others():
    given = {"policies": ("engine",), "seeds": 1, "runs": 3, "prior": Prior.SAME_PROGRAM}
    alone, among = measured(judged=["sort_big"], **given), measured(**given)
    assert [w.name for w in alone.workloads] == ["sort_big"]
    steps = [
        [t.steps for t in result.trajectories if t.trial.workload == "sort_big"]
        for result in (alone, among)
    ]
    assert steps[0] == steps[1]


def test_engine_beats_a_policy_that_never_moves():
    given = {"policies": ("engine", "static"), "seeds": 1, "cold_start": "m5.large:16"}
    result = measured(WORKLOADS[0], runs=10, **given)
    engine, static = (result.policies[p].cost_ratio_after["10"] for p in ("engine", "static"))
    assert engine.mean < static.mean


def test_working_set_reaches_the_policy_only_if_asked_for():
    cells = [replace(c, runs=(replace(c.runs[0], working_set_gib=9.0),)) for c in FAILING.cells]
    known = a_workload(cells=tuple(cells))
    hidden = measured(known, policies=("static",), seeds=1).workloads[0]
    told = measured(known, policies=("static",), seeds=1, knows_working_set=True).workloads[0]
    assert {c.runs[0].working_set_gib for c in hidden.cells} == {None}
    assert {c.runs[0].working_set_gib for c in told.cells} == {9.0}


def test_progress_counts_every_trial_once():
    counts = []
    terms = Terms(("random", "static"), seeds=2, runs=3)

    def count(message, *, done, total):
        counts.append((done, total))

    measure(WORKLOADS[:1], terms, set_stage=recorded_stage, spread=in_this_process, progress=count)
    assert counts == [(n, 6) for n in range(1, 7)]


def test_cluster_that_was_not_measured_is_named():
    with pytest.raises(NotFound, match=r"5 × m5\.large"):
        WORKLOADS[0].cell(a_cluster(5))
