"""Workloads: growth, contradictions, and the way to JSON and back."""

import msgspec
import pytest

from isocost.errors import InvalidInput
from isocost.simulator.workload import Growth, SimulatedSparkJob, SimulatedStage, Workload


def a_stage(stage_id=0, **changes):
    known = {"name": "scan", "spark_task_count": 8, "cpu_s": 16.0, "input_bytes": 1e9}
    return SimulatedStage(stage_id, 0, **(known | changes))


def a_workload(*stages):
    return Workload("a test", stages or (a_stage(),), (SimulatedSparkJob(0),))


def test_twice_the_input_means_twice_the_spark_tasks_of_the_same_size():
    (stage,) = a_workload().at_scale(2.0).stages
    assert (stage.spark_task_count, stage.cpu_s, stage.input_bytes) == (16, 32.0, 2e9)


def test_fixed_partitions_make_each_spark_task_larger():
    growth = Growth(spark_task_count=0.0, memory=1.0)
    (stage,) = a_workload(a_stage(growth=growth, memory_bytes=1e6)).at_scale(3.0).stages
    assert (stage.spark_task_count, stage.memory_bytes, stage.cpu_s) == (8, 3e6, 48.0)


def test_json_gives_the_same_workload_back():
    workload = a_workload(a_stage(operators=("Scan parquet",)), a_stage(1, parent_ids=(0,)))
    assert msgspec.json.decode(msgspec.json.encode(workload), type=Workload) == workload


@pytest.mark.parametrize(
    "stages",
    [
        (a_stage(0, parent_ids=(1,)), a_stage(1)),
        (a_stage(0), a_stage(0)),
        (a_stage(0), a_stage(1, cache_source_id=7)),
    ],
    ids=["a child before its parent", "twice the same stage", "a cache nobody fills"],
)
def test_contradictions_are_refused(stages):
    with pytest.raises(InvalidInput, match="contradicts itself"):
        a_workload(*stages)


@pytest.mark.parametrize("changes", [{"spark_task_count": 0}, {"skew": 0.5}, {"cpu_s": -1.0}])
def test_impossible_amounts_are_refused(changes):
    with pytest.raises(InvalidInput):
        a_stage(**changes)
