"""The simulated cluster against measurements, and how fast it is: one JSON object.

It is the judge of every accuracy figure of the model, so it has to behave as measured clusters do:
spark tasks that slow down with more executors, runs that vary, runtime curves of real shape.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import simulator_grids, simulator_scaling
from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.event_log import event_texts
from isocost.simulator.identity import RunIdentity, spark_context_id_from_seed
from isocost.simulator.run import SimulatedRun
from isocost.simulator.simulate import simulate
from isocost.simulator.workload import SimulatedSparkJob, SimulatedSql, SimulatedStage, Workload

NODE: Final = NodeType("m5.2xlarge", 8, 32.0, 0.384, coremark=115_791.0, network_gbps=2.5)
CLUSTER: Final = SimulatedCluster(NODE, 8, NODE)
IDENTITY: Final = RunIdentity(
    "app-20260105060500-0000", spark_context_id_from_seed(1), "0105-060000-abcd1234", "job-1-run-1"
)
STAGES: Final = 10
NOISES: Final = (0.01, 0.03, 0.05, 0.10)
REPETITIONS: Final = 100
SIZES: Final = (10_000, 100_000)


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds for a run and its event log's text, the fastest of some.

    Attributes:
        json_lines_s: what Python's `json` module takes for as many lines of the same content: the
            yardstick of this machine at this moment.
    """

    spark_task_count: int
    simulate_s: float
    text_s: float
    total_s: float
    json_lines_s: float
    ratio_to_json: float
    text_mb: float


def a_workload(spark_task_count: int) -> Workload:
    """Return stages of equal size, each of which reads what the one before wrote."""
    each = spark_task_count // STAGES
    stages = tuple(
        SimulatedStage(
            n,
            n,
            f"stage {n}",
            each,
            each * 2.0,
            parent_ids=(n - 1,) if n else (),
            input_bytes=each * 64e6 if n == 0 else 0.0,
            shuffle_read_bytes=each * 10e6 if n else 0.0,
            shuffle_write_bytes=each * 10e6,
            memory_bytes=2e8,
            skew=1.5,
            operators=("Scan parquet" if n == 0 else "ShuffledHashJoin", "HashAggregate"),
        )
        for n in range(STAGES)
    )
    spark_jobs = tuple(SimulatedSparkJob(n, 1.0, sql_execution_id=0) for n in range(STAGES))
    return Workload("speed", stages, spark_jobs, (SimulatedSql(0, "speed"),))


def speed(spark_task_count: int, repetitions: int) -> Speed:
    """Return the seconds of a run with so many spark tasks, on one core."""
    workload = a_workload(spark_task_count)
    best: tuple[float, float] | None = None
    texts: list[str] = []
    for _ in range(repetitions):
        begin_s = time.perf_counter()
        run = simulate(workload, CLUSTER, RunConditions(), seed=1)
        middle_s = time.perf_counter()
        texts = event_texts(run, IDENTITY)
        end_s = time.perf_counter()
        took = (middle_s - begin_s, end_s - middle_s)
        best = took if best is None or sum(took) < sum(best) else best
    if best is None:
        raise ValueError("Nothing was repeated; ask for 1 repetition or more.")
    json_s = _json_s(texts)
    return Speed(
        spark_task_count=spark_task_count,
        simulate_s=round(best[0], 4),
        text_s=round(best[1], 4),
        total_s=round(sum(best), 4),
        json_lines_s=round(json_s, 4),
        ratio_to_json=round(sum(best) / json_s, 4),
        text_mb=round(sum(map(len, texts)) / 1e6, 2),
    )


def _json_s(texts: Sequence[str]) -> float:
    """Return what writing the same lines as JSON takes, measured on an even tenth of them."""
    some = [json.loads(text) for text in texts[::10]]
    begin_s = time.perf_counter()
    for each in some:
        json.dumps(each, separators=(",", ":"))
    return (time.perf_counter() - begin_s) * len(texts) / len(some)


def repeat_noise() -> dict[str, float]:
    """Return the coefficient of variation of repeated runs, by the one that was asked for."""
    return {f"{cv:g}": round(_variation(cv), 4) for cv in NOISES}


def _variation(cv: float) -> float:
    workload = a_workload(2_000)
    conditions = RunConditions(noise_cv=cv)
    runs = [simulate(workload, CLUSTER, conditions, seed=n) for n in range(REPETITIONS)]
    seconds = np.array([_seconds(run) for run in runs])
    return float(np.std(seconds) / np.mean(seconds))


def _seconds(run: SimulatedRun) -> float:
    if run.runtime_s is None:
        raise ValueError(f"A run for the noise did not start: {run.message}")
    return run.runtime_s


def figures(data: Path | None, repetitions: int) -> dict[str, object]:
    """Return all figures; those that need measured data are None without any."""
    decima = None if data is None else data / "scaling" / "decima-tpch"
    return {
        "task_time_ratio": None if decima is None else simulator_scaling.scaling(decima),
        "repeat_noise_cv": repeat_noise(),
        "curves": None if data is None else simulator_grids.shapes(data),
        "speed": {str(size): asdict(speed(size, repetitions)) for size in SIZES},
    }


def main() -> None:
    """Parse the arguments and print one JSON object."""
    parser = argparse.ArgumentParser(prog="benchmarks.simulator", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--data", type=Path, help="the folder of measured data")
    parser.add_argument("--repetitions", type=int, default=3, help="of the speed; default 3")
    arguments = parser.parse_args()
    root = arguments.data or Path(os.environ.get("ISOCOST_SHARED_DATA", "../shared/data"))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    result = figures(root if root.is_dir() else None, max(1, arguments.repetitions))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
