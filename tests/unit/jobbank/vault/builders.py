"""A recording with two scans, a join of them and a top list, and what may be changed about it."""

from dataclasses import replace
from datetime import UTC, datetime

from isocost.jobbank.vault.recording import Provenance, Recording
from isocost.simulator.workload import SimulatedSparkJob, SimulatedSql, SimulatedStage, Workload

MIB = 2.0**20
PROVENANCE = Provenance(
    spark_version="3.5.1",
    scale_factor=1.0,
    machine="a machine",
    cluster="1 executor with 2 cores in all",
    core_count=2,
    cpu_speed=1.0,
    recorded_at=datetime(2026, 1, 5, 6, tzinfo=UTC),
    runtime_s=12.0,
)
FACTS = SimulatedStage(
    0, 0, "scan", 8, 16.0, input_bytes=100 * MIB, shuffle_write_bytes=40 * MIB,
    operators=("Scan parquet", "Filter"), memory_bytes=20 * MIB,
)  # fmt: skip
DIMENSION = SimulatedStage(
    1, 0, "scan", 1, 1.0, input_bytes=2 * MIB, shuffle_write_bytes=1 * MIB,
    operators=("Scan parquet",),
)  # fmt: skip
JOIN = SimulatedStage(
    2, 0, "join", 8, 8.0, parent_ids=(0, 1), shuffle_read_bytes=41 * MIB,
    shuffle_write_bytes=0.1 * MIB, memory_bytes=30 * MIB, skew=9.0, operators=("SortMergeJoin",),
)  # fmt: skip
TOP = SimulatedStage(
    3, 1, "sort", 1, 0.5, parent_ids=(2,), shuffle_read_bytes=0.1 * MIB, operators=("Sort",)
)
STAGES = (FACTS, DIMENSION, JOIN, TOP)


def a_workload(stages=STAGES, **changes):
    jobs = tuple(SimulatedSparkJob(n, 1.0, 0) for n in sorted({s.spark_job_id for s in stages}))
    workload = Workload("shop/orders", tuple(stages), jobs, (SimulatedSql(0, "orders"),))
    return replace(workload, **changes)


def a_recording(stages=STAGES, name="shop/orders", **changes):
    return replace(Recording(name, PROVENANCE, a_workload(stages)), **changes)


def stage_of(workload, stage_id):
    return next(stage for stage in workload.stages if stage.stage_id == stage_id)
