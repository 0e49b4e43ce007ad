"""Terms become the same trials for every policy, and impossible ones a message."""

import pytest

from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.measured.plan import (
    Deadline,
    Prior,
    Protocol,
    Terms,
    as_known,
    deadline_from_text,
    plan_of,
    trials_of_terms,
)
from isocost.jobbank.measured.transfer import SAME_PROGRAM_RUNS, transfer_for
from isocost.model.history import Ending
from isocost.testing.grids import a_cell, a_cluster, a_failed_run, a_workload

SORT = a_workload()
# 1 worker fails; 2 and 3 do not.
FAILING = a_workload(cells=(a_cell(1, a_failed_run()), a_cell(2, 400.0), a_cell(3, 300.0)))


def trials(*workloads, **changes):
    given = {"policies": ("bayes",), "seeds": 1} | changes
    return trials_of_terms(workloads or (SORT,), Terms(**given))


def starts(*workloads, **changes):
    return [trial.start.spec for trial in trials(*workloads, policies=("static",), **changes)]


def test_every_policy_gets_the_same_starts():
    found = trials(policies=("bayes", "random"), seeds=20)
    by_policy = [
        [t.start for t in found if t.policy == p and t.protocol is Protocol.PRODUCTION]
        for p in ("bayes", "random")
    ]
    assert by_policy[0] == by_policy[1]
    assert len(set(starts(seeds=20))) == len(SORT.cells)


def test_start_of_a_workload_does_not_depend_on_the_others():
    alone = starts(seeds=5)
    beside = starts(a_workload("scan"), SORT, seeds=5)
    assert beside[5:] == alone


def test_each_policy_that_moves_is_tried_both_ways():
    assert [t.protocol for t in trials()] == [Protocol.PRODUCTION, Protocol.SEARCH]
    assert [t.protocol for t in trials(policies=("static",))] == [Protocol.PRODUCTION]


def test_cheapest_start_has_the_lowest_rate():
    assert starts(cold_start="cheapest") == [a_cluster(1)]


def test_given_start_is_taken():
    assert starts(cold_start="m5.large:3") == [a_cluster(3)]


def test_start_on_which_the_workload_fails_gives_way_to_the_nearest():
    assert starts(FAILING, cold_start="m5.large:1") == [a_cluster(2)]


@pytest.mark.parametrize("keeps_failures", [True, False])
def test_random_start_succeeds(keeps_failures):
    found = starts(FAILING, seeds=30, keeps_failures=keeps_failures)
    assert set(found) == {a_cluster(2), a_cluster(3)}


def test_start_that_was_not_measured_is_refused():
    with pytest.raises(InvalidInput, match=r"m5.large:5 is not among .* 6 × m5.large"):
        starts(cold_start="m5.large:5")


def test_start_of_unknown_type_is_refused():
    with pytest.raises(UnknownName, match="No node type"):
        starts(cold_start="c9.large:1")


def test_factor_is_of_the_cold_start():
    (trial,) = trials(policies=("static",), cold_start="m5.large:2", deadline=Deadline(factor=1.5))
    assert trial.start.max_runtime_s == 600.0


def test_percentile_is_of_all_that_succeeded():
    (trial,) = trials(FAILING, policies=("static",), deadline=Deadline(percentile=50.0))
    assert trial.start.max_runtime_s == 350.0


def test_deadline_that_no_cluster_keeps_is_not_searched():
    found = trials(cold_start="m5.large:6", deadline=Deadline(factor=0.5))
    assert [t.protocol for t in found] == [Protocol.PRODUCTION]


def test_search_may_try_all_and_ends_at_the_cheapest_in_time():
    terms = Terms(("bayes",), seeds=1, cold_start="m5.large:6", deadline=Deadline(factor=1.5))
    production, search = (plan_of(t, SORT, terms) for t in trials_of_terms([SORT], terms))
    assert (production.runs_per_trial, production.goal) == (25, None)
    assert (search.runs_per_trial, search.goal) == (4, a_cluster(3))


def test_policy_chance_differs_between_seeds_and_workloads():
    found = trials(SORT, a_workload("scan"), seeds=2, policies=("static",))
    assert len({trial.policy_seed for trial in found}) == 4


@pytest.mark.parametrize(
    ("text", "deadline"),
    [
        ("1.25", Deadline(factor=1.25)),
        ("p25", Deadline(percentile=25.0)),
        ("P2.5", Deadline(percentile=2.5)),
    ],
)
def test_deadline_is_a_factor_or_a_percentile(text, deadline):
    assert deadline_from_text(text) == deadline


@pytest.mark.parametrize("text", ["", "p", "fast", "p0", "p101", "0", "-1", "nan", "inf", "pnan"])
def test_impossible_deadline_is_refused(text):
    with pytest.raises(InvalidInput, match="--sla"):
        deadline_from_text(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "--seeds takes 1"),
        ({"runs": 0}, "at least 1 run"),
        ({"horizon_runs": 0}, "--horizon"),
        ({"noise_sd": -0.1}, "--noise"),
        ({"noise_sd": float("nan")}, "--noise"),
        ({"policies": ("bayes", "bayes")}, "each policy once"),
        ({"policies": ()}, "each policy once"),
    ],
)
def test_impossible_terms_are_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        Terms(**{"policies": ("static",)} | changes)


def test_unknown_policy_is_refused_with_those_there_are():
    with pytest.raises(UnknownName, match="engine, bayes, random, static"):
        Terms(("cherrypick",))


def test_removed_failures_are_no_candidates():
    seen = as_known(FAILING, Terms(("static",)))
    kept = as_known(FAILING, Terms(("static",), keeps_failures=True))
    assert (len(seen.cells), len(kept.cells)) == (2, 3)


SIBLING = a_workload("sort_big", {n: 100.0 * n for n in range(1, 21)}, program="sort")
STRANGER = a_workload("scan")
ALL = (SORT, SIBLING, STRANGER)


def test_same_program_gives_ten_runs_of_the_other_size_by_seed():
    found = [transfer_for(SORT, ALL, prior=Prior.SAME_PROGRAM, seed=seed) for seed in (0, 0, 1)]
    (history,) = found[0].same_program
    assert len({o.spec for o in history}) == SAME_PROGRAM_RUNS
    assert found[0] == found[1] != found[2]
    assert found[0].other_programs == ()


def test_other_programs_give_all_of_their_clusters():
    found = transfer_for(SORT, ALL, prior=Prior.OTHER_PROGRAMS, seed=0)
    assert [len(history) for history in found.other_programs] == [len(STRANGER.cells)]
    assert found.same_program == ()
    assert found.node_types == STRANGER.node_types


def test_failing_cluster_of_another_program_is_told_as_such():
    found = transfer_for(STRANGER, (FAILING, STRANGER), prior=Prior.OTHER_PROGRAMS, seed=0)
    ((first, *_),) = found.other_programs
    assert first.ending is Ending.FAILED


def test_no_prior_knows_nothing():
    found = transfer_for(SORT, ALL, prior=Prior.NONE, seed=0)
    assert (found.same_program, found.other_programs) == ((), ())
