"""Small workloads, clusters and runs with plain defaults."""

from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import AttachedDisks, SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.simulate import simulate
from isocost.simulator.workload import SimulatedSparkJob, SimulatedStage, Workload

M5 = NodeType("m5.2xlarge", 8, 32.0, 0.384, coremark=115_791.0, network_gbps=2.5)
GIB = 2.0**30
STEADY = RunConditions(noise_cv=0.0)


def a_stage(stage_id=0, **changes):
    known = {
        "spark_job_id": 0,
        "name": f"stage {stage_id}",
        "spark_task_count": 64,
        "cpu_s": 640.0,
    }
    return SimulatedStage(stage_id, **(known | changes))


def a_shuffle(count=64, **changes):
    """Return a map stage and a reduce stage that reads what it wrote."""
    half = GIB * 4
    first = a_stage(0, spark_task_count=count, shuffle_write_bytes=half)
    second = a_stage(1, spark_task_count=count, parent_ids=(0,), shuffle_read_bytes=half)
    return a_workload(first, second, **changes)


def a_workload(*stages, **changes):
    found = stages or (a_stage(),)
    spark_jobs = sorted({stage.spark_job_id for stage in found})
    return Workload("a test", found, tuple(map(SimulatedSparkJob, spark_jobs)), **changes)


def a_cluster(workers=4, **changes):
    known = {"worker_type": M5, "worker_count": workers, "driver_type": M5, "is_pooled": True}
    return SimulatedCluster(**(known | {"disks": AttachedDisks()} | changes))


def a_run(workload=None, cluster=None, conditions=STEADY, seed=1):
    return simulate(workload or a_shuffle(), cluster or a_cluster(), conditions, seed=seed)
