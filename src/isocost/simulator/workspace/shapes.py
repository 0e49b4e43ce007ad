"""A seed in, the workload of a plausible recurring job out: six shapes, each with its own limits.

Sizes are chosen so that a run lasts some 5 to 40 minutes on the clusters of the estate: long
enough that start-up is not all of it, and some hundred to two thousand spark tasks.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from isocost.simulator.workload import (
    Growth,
    SimulatedSparkJob,
    SimulatedSql,
    SimulatedStage,
    Workload,
)
from isocost.units import BYTES_PER_GIB, BYTES_PER_MIB

Shape = Callable[[np.random.Generator, str], Workload]

# 128 MiB is what Spark reads into one partition (spark.sql.files.maxPartitionBytes).
_PARTITION_BYTES: Final = 128 * BYTES_PER_MIB
_SHUFFLE_PARTITIONS: Final = 200  # spark.sql.shuffle.partitions as Spark sets it
_FIXED: Final = Growth(spark_task_count=0.0, memory=1.0)


def drawn_workload(seed: int, name: str) -> Workload:
    """Return a workload of any shape, the same for the same seed."""
    rng = np.random.default_rng(seed)
    shape = list(SHAPES)[int(rng.integers(len(SHAPES)))]
    return SHAPES[shape](rng, name)


def workload_of_shape(shape: str, seed: int, name: str) -> Workload:
    """Return a workload of this shape; `shape` is a key of `SHAPES`."""
    return SHAPES[shape](np.random.default_rng(seed), name)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number that is as likely in each octave between the two."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _partitions(gib: float) -> int:
    return max(8, round(gib * BYTES_PER_GIB / _PARTITION_BYTES))


def _ingest(rng: np.random.Generator, name: str) -> Workload:
    """Reads, cleans and writes; little shuffle, much network."""
    gib = _between(rng, 40, 120)
    count = _partitions(gib)
    scan = SimulatedStage(
        stage_id=0,
        spark_job_id=0,
        name=f"{name} scan",
        spark_task_count=count,
        cpu_s=count * _between(rng, 20, 45),
        input_bytes=gib * BYTES_PER_GIB,
        output_bytes=0.7 * gib * BYTES_PER_GIB,
        memory_bytes=200.0 * BYTES_PER_MIB,
        photon_fraction=0.5,
        operators=("Scan json", "Filter", "Project", "WriteFiles"),
    )
    return Workload(
        name,
        (scan,),
        (SimulatedSparkJob(0, driver_s=8.0, sql_execution_id=0, driver_growth=0.5),),
        (SimulatedSql(0, f"{name} ingest", f"s3://landing/{name}"),),
    )


def _join(rng: np.random.Generator, name: str) -> Workload:
    """Two scans, a large join and an aggregation: shuffle and memory."""
    gib = _between(rng, 20, 60)
    left, right = _partitions(gib), _partitions(gib / 4)
    shuffle = 0.6 * gib * BYTES_PER_GIB
    cpu_s = _between(rng, 25, 55)
    joined = _shuffled((2, 0), f"{name} join", parents=(0, 1), cpu_s=cpu_s, read=shuffle)
    totals = _shuffled((3, 0), f"{name} totals", parents=(2,), cpu_s=cpu_s / 2, read=0.3 * shuffle)
    stages = (
        _scan((0, 0), f"{name} facts", count=left, cpu_s=cpu_s, written=0.8 * shuffle),
        _scan((1, 0), f"{name} dimensions", count=right, cpu_s=cpu_s, written=0.2 * shuffle),
        replace(
            joined,
            skew=_between(rng, 1.2, 2.5),
            output_bytes=0.0,
            shuffle_write_bytes=0.3 * shuffle,
        ),
        totals,
    )
    return Workload(
        name,
        stages,
        (SimulatedSparkJob(0, driver_s=6.0, sql_execution_id=0, driver_growth=0.3),),
        (SimulatedSql(0, f"{name} join", f"s3://warehouse/{name}"),),
    )


def _scan(
    place: tuple[int, int], name: str, *, count: int, cpu_s: float, written: float
) -> SimulatedStage:
    """Return a stage that reads `count` partitions; `place` is its number and its spark job's."""
    return SimulatedStage(
        stage_id=place[0],
        spark_job_id=place[1],
        name=name,
        spark_task_count=count,
        cpu_s=count * cpu_s,
        input_bytes=float(count * _PARTITION_BYTES),
        shuffle_write_bytes=written,
        memory_bytes=300.0 * BYTES_PER_MIB,
        photon_fraction=0.7,
        operators=("Scan parquet", "Filter", "Project", "Exchange"),
    )


def _shuffled(
    place: tuple[int, int], name: str, *, parents: tuple[int, ...], cpu_s: float, read: float
) -> SimulatedStage:
    """Return a stage that joins and sorts what its parents left; it writes a part of it."""
    return SimulatedStage(
        stage_id=place[0],
        spark_job_id=place[1],
        name=name,
        spark_task_count=_SHUFFLE_PARTITIONS,
        cpu_s=_SHUFFLE_PARTITIONS * cpu_s,
        parent_ids=parents,
        shuffle_read_bytes=read,
        output_bytes=0.2 * read,
        # Sorting needs some three times the bytes as they travel, compressed.
        memory_bytes=3.0 * read / _SHUFFLE_PARTITIONS,
        skew=1.2,
        photon_fraction=0.6,
        operators=("ShuffleQueryStage", "Sort", "SortMergeJoin", "HashAggregate"),
        growth=_FIXED,
    )


def _report(rng: np.random.Generator, name: str) -> Workload:
    """Several small queries one after the other: planning and the driver weigh much."""
    stages: list[SimulatedStage] = []
    spark_jobs = []
    queries = []
    for n in range(int(rng.integers(4, 8))):
        count = _partitions(_between(rng, 2, 8))
        read = count * _PARTITION_BYTES * 0.1
        cpu_s = _between(rng, 15, 40)
        scan = _scan((2 * n, n), f"{name} {n} scan", count=count, cpu_s=cpu_s, written=read)
        place = (2 * n + 1, n)
        totals = _shuffled(
            place, f"{name} {n} totals", parents=(2 * n,), cpu_s=cpu_s / 4, read=read
        )
        stages += [scan, totals]
        spark_jobs.append(SimulatedSparkJob(n, driver_s=_between(rng, 4, 12), sql_execution_id=n))
        queries.append(SimulatedSql(n, f"{name} query {n}", f"s3://warehouse/{name}"))
    return Workload(name, tuple(stages), tuple(spark_jobs), tuple(queries))


def _training(rng: np.random.Generator, name: str) -> Workload:
    """Caches its input and passes over it again and again: CPU and storage memory."""
    gib = _between(rng, 8, 24)
    count = _partitions(gib)
    cached = 2.0 * gib * BYTES_PER_GIB
    load = SimulatedStage(
        stage_id=0,
        spark_job_id=0,
        name=f"{name} load",
        spark_task_count=count,
        cpu_s=count * _between(rng, 12, 25),
        input_bytes=gib * BYTES_PER_GIB,
        memory_bytes=400.0 * BYTES_PER_MIB,
        cached_bytes=cached,
    )
    cpu_s = count * _between(rng, 12, 25)
    passes = [
        SimulatedStage(
            stage_id=n,
            spark_job_id=n,
            name=f"{name} pass {n}",
            spark_task_count=count,
            cpu_s=cpu_s,
            cache_source_id=0,
            memory_bytes=250.0 * BYTES_PER_MIB,
        )
        for n in range(1, int(rng.integers(5, 10)))
    ]
    spark_jobs = [SimulatedSparkJob(n, driver_s=2.0) for n in range(len(passes) + 1)]
    return Workload(name, (load, *passes), tuple(spark_jobs))


def _skewed(rng: np.random.Generator, name: str) -> Workload:
    """A join in which one key holds far more rows than the others."""
    gib = _between(rng, 15, 40)
    count = _partitions(gib)
    shuffle = 0.5 * gib * BYTES_PER_GIB
    cpu_s = _between(rng, 25, 50)
    sessions = _shuffled((1, 0), f"{name} sessions", parents=(0,), cpu_s=cpu_s, read=shuffle)
    stages = (
        _scan((0, 0), f"{name} events", count=count, cpu_s=cpu_s, written=shuffle),
        replace(sessions, skew=_between(rng, 6, 14)),
    )
    return Workload(
        name,
        stages,
        (SimulatedSparkJob(0, driver_s=5.0, sql_execution_id=0),),
        (SimulatedSql(0, f"{name} sessions", f"s3://events/{name}"),),
    )


def _compute(rng: np.random.Generator, name: str) -> Workload:
    """User code that computes for long over few bytes, outside of SQL."""
    count = round(_between(rng, 300, 1_200))
    work = SimulatedStage(
        stage_id=0,
        spark_job_id=0,
        name=f"{name} score",
        spark_task_count=count,
        cpu_s=count * _between(rng, 30, 70),
        input_bytes=count * 8.0 * BYTES_PER_MIB,
        output_bytes=count * 2.0 * BYTES_PER_MIB,
        memory_bytes=600.0 * BYTES_PER_MIB,
        rigid_memory_fraction=0.5,
    )
    collect = SimulatedStage(
        stage_id=1,
        spark_job_id=1,
        name=f"{name} summary",
        spark_task_count=16,
        cpu_s=60.0,
        input_bytes=16.0 * BYTES_PER_MIB,
        growth=_FIXED,
    )
    return Workload(
        name,
        (work, collect),
        (SimulatedSparkJob(0, driver_s=3.0), SimulatedSparkJob(1, driver_s=4.0)),
    )


SHAPES: Final[Mapping[str, Shape]] = {
    "ingest": _ingest,
    "join": _join,
    "report": _report,
    "training": _training,
    "skewed": _skewed,
    "compute": _compute,
}
