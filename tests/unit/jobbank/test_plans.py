"""Plans: names are matched, cold starts spread, trials made."""

import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec, total_cores
from isocost.errors import ClusterTooLarge, InvalidInput, UnknownName
from isocost.jobbank.plans import (
    FITTING_SHOWN,
    IDLE_SLA_FACTOR,
    LATE_SLA_FACTOR,
    check_any_fits,
    check_fits,
    cold_starts,
    matching_workloads,
    spec_from_text,
    trials_of_plan,
)
from isocost.space.candidates import Capacity, candidate_space
from isocost.testing.nouns import a_plan, an_experiment

KNOWN = ("tpcds/q1", "tpcds/q2", "rdd/sort")
SPACE = candidate_space(LOCAL_NODE_TYPES, Capacity(2, 16.0), max_workers=2)
CANDIDATES = SPACE.candidates


def test_where_no_command_lists_workloads_none_is_named():
    with pytest.raises(UnknownName, match=r"h and 1 others\. Shell"):
        matching_workloads(["z"], list("abcdefghi"), listed_by=None)


def test_patterns_match_in_the_order_given_without_repeats():
    assert matching_workloads(["rdd/*", "*"], KNOWN) == ("rdd/sort", "tpcds/q1", "tpcds/q2")


def test_unknown_workload_says_how_to_list_them():
    with pytest.raises(UnknownName, match=r"'tpcds/q100'.*isocost bank workloads"):
        matching_workloads(["tpcds/q100"], [f"tpcds/q{n}" for n in range(1, 100)])


def test_unknown_workload_of_few_names_them_all():
    with pytest.raises(UnknownName, match=r"Known are a, b\. Shell patterns"):
        matching_workloads(["c"], ["a", "b"])


def test_first_two_cold_starts_differ_in_cores_alone():
    starts = cold_starts(CANDIDATES, LOCAL_NODE_TYPES, count=2)
    assert [s.spec for s in starts] == [
        ClusterSpec("local-1c-2g", 1),
        ClusterSpec("local-2c-2g", 1),
    ]
    assert [s.sla_factor for s in starts] == [LATE_SLA_FACTOR, IDLE_SLA_FACTOR]


def test_every_candidate_is_a_cold_start_once():
    starts = cold_starts(CANDIDATES, LOCAL_NODE_TYPES, count=len(CANDIDATES))
    assert {s.spec for s in starts} == set(CANDIDATES)


def test_given_factors_are_handed_out_in_turn():
    starts = cold_starts(CANDIDATES, LOCAL_NODE_TYPES, count=3, sla_factors=[1.1, 1.5])
    assert [s.sla_factor for s in starts] == [1.1, 1.5, 1.1]


@pytest.mark.parametrize("count", [0, 7])
def test_impossible_number_of_cold_starts_names_the_range(count):
    with pytest.raises(InvalidInput, match="1 to 6"):
        cold_starts(CANDIDATES, LOCAL_NODE_TYPES, count=count)


def test_cluster_is_named_by_type_and_count():
    assert spec_from_text("local-1c-2g:2", LOCAL_NODE_TYPES) == ClusterSpec("local-1c-2g", 2)


@pytest.mark.parametrize("text", ["local-1c-2g", ":2", "local-1c-2g:two", "local-1c-2g:-1", ""])
def test_malformed_cluster_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match="local-1c-1g:1"):
        spec_from_text(text, LOCAL_NODE_TYPES)


def test_unknown_node_type_names_the_known():
    with pytest.raises(UnknownName, match="local-2c-2g"):
        spec_from_text("m5.large:2", LOCAL_NODE_TYPES)


@pytest.mark.parametrize("workers", [2, 50])
def test_cluster_larger_than_the_machine_is_refused_and_told_what_fits(workers):
    with pytest.raises(ClusterTooLarge, match=r"more .* than the platform has.*1 × local-2c-2g"):
        check_fits(ClusterSpec("local-2c-2g", workers), SPACE, LOCAL_NODE_TYPES)


LARGE_SPACE = candidate_space(LOCAL_NODE_TYPES, Capacity(96, 256.0), max_workers=96)


def test_large_machine_starts_on_one_core_and_on_all_of_them():
    starts = cold_starts(LARGE_SPACE.candidates, LOCAL_NODE_TYPES, count=3)
    assert [s.spec for s in starts[:2]] == [
        ClusterSpec("local-1c-2g", 1),
        ClusterSpec("local-2c-2g", 48),
    ]
    # Ten cores are as far from 1 (10 times) as from 96 (9.6 times).
    assert total_cores(starts[2].spec, LOCAL_NODE_TYPES) == 10


def test_refusal_names_the_six_largest_clusters_alone():
    with pytest.raises(ClusterTooLarge, match="288 that it can run are") as caught:
        check_fits(ClusterSpec("local-2c-2g", 96), LARGE_SPACE, LOCAL_NODE_TYPES)
    assert str(caught.value).count(" × local") == FITTING_SHOWN + 1


@pytest.mark.parametrize("capacity", [Capacity(0, 8.0), Capacity(2, 0.5)])
def test_machine_on_which_nothing_fits_is_told_why(capacity):
    space = candidate_space(LOCAL_NODE_TYPES, capacity, max_workers=1)
    with pytest.raises(ClusterTooLarge, match=r"No cluster fits this machine: even .*against 0"):
        check_any_fits(space)


def test_each_workload_is_tried_from_each_cold_start():
    starts = cold_starts(CANDIDATES, LOCAL_NODE_TYPES, count=2)
    plan = a_plan(workloads=("a", "b"), cold_starts=starts)
    trials = trials_of_plan(an_experiment(plan=plan))
    assert [(t.workload, t.cold_start) for t in trials] == [
        ("a", starts[0]),
        ("a", starts[1]),
        ("b", starts[0]),
        ("b", starts[1]),
    ]
    assert len({t.trial_id for t in trials}) == 4
