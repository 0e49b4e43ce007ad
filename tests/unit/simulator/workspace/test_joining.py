"""Workloads that share a cluster, joined to one application."""

import pytest

from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.simulate import simulate
from isocost.simulator.workspace.joining import join, span_s
from isocost.simulator.workspace.shapes import SHAPES, workload_of_shape

M5 = NodeType("m5.2xlarge", 8, 32.0, 0.384, coremark=115_791.0, network_gbps=2.5)
CLUSTER = SimulatedCluster(M5, 4, M5)
PARTS = {key: workload_of_shape(shape, n, key) for n, (key, shape) in enumerate(
    {"a": "join", "b": "training", "c": "report"}.items()
)}  # fmt: skip
AFTER = {"a": (), "b": ("a",), "c": ("a",)}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_workload_alone_is_itself_under_another_name(shape):
    alone = workload_of_shape(shape, 5, "x")
    joined = join("y", {"x": alone}, {"x": ()})
    assert joined.workload.stages == alone.stages
    assert joined.workload.name == "y"


def test_nothing_is_lost_and_no_number_is_used_twice():
    joined = join("all", PARTS, AFTER).workload
    assert len(joined.stages) == sum(len(each.stages) for each in PARTS.values())
    assert len({stage.stage_id for stage in joined.stages}) == len(joined.stages)
    assert sum(stage.cpu_s for stage in joined.stages) == pytest.approx(
        sum(stage.cpu_s for each in PARTS.values() for stage in each.stages)
    )


def test_each_begins_when_those_before_it_have_ended():
    joined = join("all", PARTS, AFTER)
    run = simulate(joined.workload, CLUSTER, RunConditions(noise_cv=0.0), seed=1)
    spans = {key: span_s(run, joined, key) for key in PARTS}
    assert spans["a"][0] == run.application_start_s
    assert spans["b"][0] == spans["c"][0] == spans["a"][1]
    assert max(end for _, end in spans.values()) == run.application_end_s


def test_what_never_began_has_no_span():
    joined = join("all", PARTS, AFTER)
    refused = RunConditions(is_capacity_missing=True)
    run = simulate(joined.workload, CLUSTER, refused, seed=1)
    assert span_s(run, joined, "b") == (None, None)
