"""Values refuse what makes no sense, and say what to do instead."""

from datetime import timedelta

import pytest

from isocost.domain.cluster import ClusterSpec, NodeInterval, NodeType, node_type_of
from isocost.domain.cost import CostBreakdown
from isocost.domain.experiment import ColdStart, Experiment
from isocost.domain.project import Project, Sla
from isocost.domain.recommendation import Interval, Rejection
from isocost.errors import InvalidInput
from isocost.testing.nouns import LARGE, NOW, SMALL, a_plan, a_project


@pytest.mark.parametrize(
    "make",
    [
        lambda: ClusterSpec("local-1c-1g", 0),
        lambda: NodeType("x", 0, 1.0, 0.1),
        lambda: NodeType("x", 1, -1.0, 0.1),
        lambda: NodeInterval("n", "x", NOW, NOW - timedelta(seconds=1)),
        lambda: Sla(0.0, 0.1),
        lambda: Sla(float("nan"), 0.1),
        lambda: Sla(60.0, 1.0),
        lambda: Sla(float("inf"), 0.1),
        lambda: Interval(2.0, 1.0),
        lambda: Interval(0.0, float("inf")),
        lambda: Interval(float("-inf"), 0.0),
        lambda: ColdStart(SMALL, 0.0),
        lambda: ColdStart(SMALL, 1e308),
        lambda: ColdStart(SMALL, float("nan")),
        lambda: ColdStart(SMALL, 2.0, max_runtime_s=60.0),
        lambda: NodeType("x", 1, 1.0, float("inf")),
        lambda: NodeType("x", 1, float("nan"), 0.1),
        lambda: CostBreakdown(vm_usd=float("inf")),
        lambda: CostBreakdown(vm_usd=0.0, dbu_usd=-1.0),
        lambda: Project("p", "p", clusters={}),
        lambda: a_plan(workloads=()),
        lambda: a_plan(runs_per_trial=0),
        lambda: a_plan(miss_fraction=0.0),
        lambda: Experiment("../escape", a_plan(), NOW),
        lambda: Experiment("", a_plan(), NOW),
    ],
)
def test_impossible_value_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


def test_applying_a_spec_keeps_the_other_clusters():
    project = a_project().with_spec("main", LARGE)
    assert project.clusters["main"].spec == LARGE


def test_unknown_cluster_key_names_the_known_ones():
    with pytest.raises(InvalidInput, match="it has main"):
        a_project().with_spec("side", LARGE)


def test_unknown_node_type_names_the_known_ones():
    with pytest.raises(InvalidInput, match="local-1c"):
        node_type_of(ClusterSpec("m5.large", 1), [NodeType("local-1c", 1, 1.0, 0.1)])


def test_rejection_shows_the_two_numbers_compared():
    rejection = Rejection(LARGE, "more cores than the platform has", 4, 2, "cores")
    assert str(rejection).endswith("more cores than the platform has (4 against 2 cores)")


def test_interval_holds_its_ends():
    assert 1.0 in Interval(1.0, 2.0)
    assert 2.1 not in Interval(1.0, 2.0)
