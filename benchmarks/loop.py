"""How long the product takes for one look at a project: from a run that ended to what it applies.

A simulated workspace in a process of its own runs one databricks job; its runs before are the
history. Before each measured run somebody sets a cluster that does not fit, so that each iteration
ends with a change. Times are medians over iterations, split by the steps of the loop; CPU is this
process's alone, wall time holds the workspace's answers too. The yardstick is `json.loads` of each
line of the same event logs. Prints one JSON object.
"""

import argparse
import cProfile
import json
import pstats
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, Final

from isocost.clouds.databricks.files import DatabricksFileStore
from isocost.domain.execution import Execution, ExecutionState
from isocost.domain.project import Sla
from isocost.domain.run import Run
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.platforms.databricks.connection import Calls
from isocost.settings import read_settings
from isocost.simulator.conditions import Scenario
from isocost.simulator.server.control import WorkspaceControl
from isocost.simulator.server.launching import launched
from isocost.simulator.server.serving import Address
from isocost.simulator.workload import (
    SimulatedSparkJob,
    SimulatedSql,
    SimulatedStage,
    Workload,
)
from isocost.units import BYTES_PER_MIB
from isocost.usecases.adopt import Intent, adopt
from isocost.usecases.loop import Loop, LoopStep
from isocost.usecases.open_log import open_one
from isocost.usecases.reconcile import look_after
from isocost.wiring import Connection, open_loop

LOGS: Final = {"volumes": "/Volumes/main/isocost/logs", "dbfs": "dbfs:/logs"}
# What people set by hand, in turn: never what is best.
EDITED_TO: Final = (("m5.2xlarge", 7), ("r5.2xlarge", 6), ("m5.4xlarge", 5))
DAY: Final = timedelta(days=1)
# A log is delivered within minutes of the end of a run.
DELIVERY: Final = timedelta(minutes=15)
SPARK_TASKS: Final = (250, 120, 200, 200)  # of the stages of one SQL execution
BYTES_PER_SPARK_TASK: Final = 2_070  # of event log, as the simulator writes it
BYTES_PER_MB: Final = 1_000_000
PARTITION_BYTES: Final = 128.0 * BYTES_PER_MIB
CPU_S: Final = 6.0  # of one spark task
SLOWEST_SHOWN: Final = 40


@dataclass(slots=True)
class Stopwatch:
    """Hears of the loop's steps; remembers how long each took, wall and CPU, in seconds."""

    laps: dict[str, tuple[float, float]] = field(default_factory=dict)
    _last: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        """Begin an iteration."""
        self.laps = {}
        self._last = (perf_counter(), process_time())

    def tell(self, step: LoopStep, _: str) -> None:
        """End a step."""
        self.lap(step.value)

    def lap(self, name: str) -> None:
        """End what came after the last step."""
        now = (perf_counter(), process_time())
        before = self.laps.get(name, (0.0, 0.0))
        self.laps[name] = (
            before[0] + now[0] - self._last[0],
            before[1] + now[1] - self._last[1],
        )
        self._last = now


@dataclass(slots=True)
class Bench:
    """A workspace with one adopted databricks job, and the loop that looks after it."""

    control: WorkspaceControl
    clock: list[datetime]
    calls: Calls
    loop: Loop
    watch: Stopwatch
    project_id: str
    job_id: int
    logs: str

    def run_once(self) -> None:
        """Let time pass until a run has ended and its log was delivered."""
        self.control.advance(DAY, until_run_ends=True)
        self.control.advance(DELIVERY)
        self.clock[0] = self.control.now()

    def look(self) -> dict[str, tuple[float, float]]:
        """Look after the project; returns how long each step took, wall and CPU."""
        self.watch.start()
        look_after(self.loop, self.project_id)
        self.watch.lap("rest")
        return self.watch.laps

    def edit(self, node_type_id: str, worker_count: int) -> None:
        """Have somebody choose another cluster."""
        self.control.edit_job(self.job_id, _clusters(node_type_id, worker_count, self.logs))

    def newest(self) -> tuple[Execution, Run]:
        """Return the newest execution and its run."""
        with self.loop.store.transaction(read_only=True) as tx:
            (execution,) = tx.executions_of(self.project_id, newest=1)
            return execution, tx.run(execution.run_ids[0])

    def log_lines(self) -> list[bytes]:
        """Return the event log of the newest run."""
        _, run = self.newest()
        stores = (DatabricksFileStore(self.calls.client),)
        log = open_one(run.event_log or "", stores)
        text = b"".join(chunk for part in log.parts for chunk in part.open())
        return text.splitlines()


def a_workload(log_mb: float) -> Workload:
    """Return an application of joins whose event log is about so large."""
    executions = max(1, round(log_mb * BYTES_PER_MB / BYTES_PER_SPARK_TASK / sum(SPARK_TASKS)))
    stages = [stage for n in range(executions) for stage in _stages(n)]
    return Workload(
        "nightly",
        tuple(stages),
        tuple(SimulatedSparkJob(n, driver_s=2.0, sql_execution_id=n) for n in range(executions)),
        tuple(SimulatedSql(n, f"join {n}", "s3://warehouse/a") for n in range(executions)),
    )


def _stages(n: int) -> list[SimulatedStage]:
    """Return two scans, their join and an aggregation: the n-th SQL execution."""
    first = n * len(SPARK_TASKS)
    parents = ((), (), (first, first + 1), (first + 2,))
    leaf = ("Scan parquet", "Filter", "Project", "Exchange")
    inner = ("SortMergeJoin", "HashAggregate", "Exchange")
    return [
        SimulatedStage(
            stage_id=first + k,
            spark_job_id=n,
            name=f"stage {first + k}",
            spark_task_count=count,
            cpu_s=count * CPU_S,
            parent_ids=parents[k],
            input_bytes=0.0 if parents[k] else count * PARTITION_BYTES,
            shuffle_read_bytes=count * PARTITION_BYTES / 4 if parents[k] else 0.0,
            shuffle_write_bytes=count * PARTITION_BYTES / 4,
            memory_bytes=300.0 * BYTES_PER_MIB,
            operators=inner if parents[k] else leaf,
        )
        for k, count in enumerate(SPARK_TASKS)
    ]


def _clusters(node_type_id: str, worker_count: int, logs: str) -> dict[str, Any]:
    cluster = {
        "spark_version": "15.4.x-scala2.12",
        "node_type_id": node_type_id,
        "num_workers": worker_count,
        "cluster_log_conf": {logs: {"destination": LOGS[logs]}},
    }
    return {"job_clusters": [{"job_cluster_key": "main", "new_cluster": cluster}]}


def _settings(logs: str) -> dict[str, Any]:
    notebook = {"notebook_path": "/Shared/nightly", "source": "WORKSPACE"}
    return {
        "name": "nightly",
        "schedule": {
            "quartz_cron_expression": "0 0 2 * * ?",
            "timezone_id": "UTC",
            "pause_status": "UNPAUSED",
        },
        "tasks": [{"task_key": "main", "job_cluster_key": "main", "notebook_task": notebook}],
        **_clusters(*EDITED_TO[0], logs),
    }


@contextmanager
def a_bench(
    address: Address, home: Path, log_mb: float, *, logs: str = "volumes"
) -> Iterator[Bench]:
    """Fill a workspace, and adopt its databricks job with auto-apply.

    Args:
        address: of the workspace.
        home: an empty directory for the product.
        log_mb: of each event log, about.
        logs: where they are delivered: a key of `LOGS`.
    """
    control = WorkspaceControl(address.url, address.control_token)
    scenario = Scenario(begin_at=control.now(), noise_cv=0.03)
    job_id = control.add_job(
        _settings(logs), workloads={"main": a_workload(log_mb)}, scenario=scenario
    )
    lake = Workspace(
        "lake", address.url, Cloud.AWS, "us-east-1", Plan.PREMIUM, control.now(), LOGS[logs]
    )
    control.advance(DAY)  # a job that never ran would not be imported
    settings = read_settings({"ISOCOST_HOME": str(home), "ISOCOST_CACHE": str(home)})
    now = [control.now()]  # only `run_once` moves it
    with open_loop(
        settings, connections=[Connection(lake, address.token)], now_in=lambda _: now[0]
    ) as loop:
        ended = loop.host_of(lake).ended_runs(str(job_id), None)
        mean_s = fmean((run.ended_at - run.started_at).total_seconds() for run in ended)
        intent = Intent(Sla(1.5 * mean_s, 0.05), is_auto_apply=True)
        project = adopt(loop, lake, str(job_id), intent=intent)
        watch = Stopwatch()
        yield Bench(
            control,
            now,
            Calls(address.url, address.token),
            replace(loop, tell=watch.tell),
            watch,
            project.project_id,
            job_id,
            logs,
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """What is printed; times are medians over iterations, in seconds.

    Attributes:
        history_runs: known before the first measured iteration.
        log_mb: of uncompressed event log, of one run.
        wall_s, cpu_s: of one iteration.
        steps_wall_s, steps_cpu_s: by the step of the loop that they led to.
        json_s: CPU that `json.loads` takes for the lines of the same logs.
        cpu_ratio: of an iteration's CPU to that.
        applied: iterations that ended with a change.
    """

    history_runs: int
    log_mb: float
    iterations: int
    wall_s: float
    cpu_s: float
    slowest_wall_s: float
    steps_wall_s: dict[str, float]
    steps_cpu_s: dict[str, float]
    json_s: float
    cpu_ratio: float
    applied: int


def measured(bench: Bench, *, history: int, iterations: int) -> Figures:
    """Let the history happen, then measure; raises RuntimeError if a run was not concluded."""
    for n in range(history):
        if n < 2 * len(EDITED_TO):
            bench.edit(*EDITED_TO[n % len(EDITED_TO)])
        bench.run_once()
        bench.look()
    known = _concluded(bench)
    laps, json_s, megabytes = [], [], []
    for n in range(iterations):
        bench.edit(*EDITED_TO[n % len(EDITED_TO)])
        bench.run_once()
        laps.append(bench.look())
        _concluded(bench)
        lines = bench.log_lines()
        megabytes.append(sum(map(len, lines)) / BYTES_PER_MB)
        json_s.append(_json_s(lines))
    cpu_s = median(sum(cpu for _, cpu in each.values()) for each in laps)
    walls = [sum(wall for wall, _ in each.values()) for each in laps]
    return Figures(
        history_runs=known,
        log_mb=median(megabytes),
        iterations=iterations,
        wall_s=median(walls),
        cpu_s=cpu_s,
        slowest_wall_s=max(walls),
        steps_wall_s=_by_step(laps, 0),
        steps_cpu_s=_by_step(laps, 1),
        json_s=median(json_s),
        cpu_ratio=cpu_s / median(json_s),
        applied=sum(LoopStep.CHANGE_CONFIRMED.value in each for each in laps),
    )


def _concluded(bench: Bench) -> int:
    """Return how many executions are known; all of them must have been concluded."""
    newest, _ = bench.newest()
    if newest.state is not ExecutionState.CONCLUDED:
        with bench.loop.store.transaction(read_only=True) as tx:
            fault = tx.project(bench.project_id).guarding.fault
        raise RuntimeError(
            f"Run {newest.ordinal} is {newest.state.value}: {newest.reason or fault}"
        )
    return newest.ordinal + 1


def _by_step(laps: Sequence[dict[str, tuple[float, float]]], which: int) -> dict[str, float]:
    """Return the median of each step over the iterations that had it."""
    names = dict.fromkeys(name for each in laps for name in each)
    return {name: median(each[name][which] for each in laps if name in each) for name in names}


def _json_s(lines: Sequence[bytes]) -> float:
    started = process_time()
    for line in lines:
        json.loads(line)
    return process_time() - started


def profiled(bench: Bench, history: int) -> str:
    """Return where the CPU of one iteration goes, functions with what they call first."""
    measured(bench, history=history, iterations=1)
    bench.edit(*EDITED_TO[1])
    bench.run_once()
    profile = cProfile.Profile()
    profile.runcall(bench.look)
    text = StringIO()
    pstats.Stats(profile, stream=text).sort_stats("cumulative").print_stats(SLOWEST_SHOWN)
    return text.getvalue()


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.loop", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--history", type=int, default=30, help="runs before; default 30")
    parser.add_argument("--iterations", type=int, default=5, help="default 5")
    parser.add_argument("--log-mb", type=float, default=10.0, help="of each event log; default 10")
    parser.add_argument("--logs", choices=list(LOGS), default="volumes", help="default volumes")
    parser.add_argument("--profile", action="store_true", help="show where the CPU goes instead")
    asked = parser.parse_args()
    if asked.history < 1 or asked.iterations < 1 or asked.log_mb <= 0:
        parser.error("takes 1 run of history, 1 iteration and an event log above 0 MB or more")
    with (
        TemporaryDirectory(prefix="isocost-loop-") as folder,
        launched(Cloud.AWS, seed=1) as address,
        a_bench(address, Path(folder), asked.log_mb, logs=asked.logs) as bench,
    ):
        if asked.profile:
            sys.stdout.write(profiled(bench, asked.history))
            return
        figures = measured(bench, history=asked.history, iterations=asked.iterations)
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")


if __name__ == "__main__":
    main()
