"""Real Spark behind the port: a run request in, one Spark application run, its outcome out."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from filelock import FileLock

from isocost import clock
from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of, steady_timeline
from isocost.errors import ClusterTooLarge, InvalidInput, UnknownName
from isocost.platforms.base import RunOutcome, RunRequest
from isocost.platforms.spark_local import data, failures, machine, settings, software
from isocost.platforms.spark_local.launch import ChildCommand, run_child
from isocost.platforms.spark_local.pinning import make_pinned_java_home
from isocost.platforms.spark_local.request import DriverRequest, read_outcome
from isocost.platforms.spark_local.workloads import APPLICATIONS, benchmark_of

DRIVER = "isocost.platforms.spark_local.driver"

# Names listed where nothing is near to the one given: a line or two, not a page.
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Capacity:
    """What all workers of one cluster may have together."""

    cores: int
    memory_gib: float


def machine_capacity() -> Capacity:
    """Return what this machine leaves to workers beside the driver."""
    return Capacity(
        cores=machine.usable_cores(),
        memory_gib=max(0.0, machine.usable_gib() - settings.DRIVER_GIB),
    )


class SparkLocal:
    """Runs applications on real Spark, one at a time, on this machine.

    Runs of all processes that share `cache` wait for each other: two at once would measure each
    other. The wait is no part of any runtime.
    """

    def __init__(
        self,
        node_types: Sequence[NodeType],
        root: Path,
        cache: Path,
        *,
        scale_factor: float,
        time_limit_s: float,
        capacity: Capacity | None = None,
    ) -> None:
        """Make a platform; starts and writes nothing yet.

        Args:
            node_types: what its workers can be.
            root: holds one directory for each run.
            cache: holds the data sets, made once for each scale factor.
            scale_factor: of TPC-DS and TPC-H; 1 is about 1 GB of text.
            time_limit_s: for one run from start to end.
            capacity: of all workers together; measured from this machine if None.

        Raises:
            InvalidInput: if a node type, the scale factor or the time limit is too small.
        """
        _check_positive(scale_factor=scale_factor, time_limit_s=time_limit_s)
        for node_type in node_types:
            _check_heap(node_type)
        self._node_types = sorted(node_types, key=lambda t: (t.usd_per_hour, t.node_type_id))
        self._root = root.absolute()
        self._cache = cache.absolute()
        self._scale_factor = scale_factor
        self._time_limit_s = time_limit_s
        self._capacity = capacity or machine_capacity()

    @property
    def name(self) -> str:
        """The word that `--platform` takes."""
        return "spark_local"

    def node_types(self) -> Sequence[NodeType]:
        """Return what the workers can be, cheapest first."""
        return tuple(self._node_types)

    def capacity_cores(self) -> int:
        """Return how many cores all workers of one cluster may have together."""
        return self._capacity.cores

    def capacity_gib(self) -> float:
        """Return how much memory all workers may have together; the driver's is set aside."""
        return self._capacity.memory_gib

    def workloads(self) -> Sequence[str]:
        """Return the names of all applications, TPC-DS queries first."""
        return tuple(APPLICATIONS)

    def prepare(self, workloads: Sequence[str]) -> None:
        """Make the data sets they read unless cached; TPC-DS takes about 30 s at scale factor 1.

        Raises:
            UnknownName: if a name is not one of `workloads()`.
            MissingDependency: if pyspark, Java 17+ or DuckDB is not installed.
            PlatformError: if the generator failed.
        """
        for workload in workloads:
            _check_name("workload", workload, self.workloads())
        software.require("pyspark", "numpy")
        software.java_home(os.environ)
        for benchmark in dict.fromkeys(map(benchmark_of, workloads)):
            found = data.data_set(self._cache, self._scale_factor, benchmark)
            data.make(found, self._scale_factor, benchmark)

    def execute(self, request: RunRequest) -> RunOutcome:
        """Run the application to its end, in a process of its own with a time limit.

        Raises:
            ClusterTooLarge: if the workers do not fit this machine; nothing was started.
            UnknownName: if workload or node type do not exist; nothing was started.
            MissingDependency: if pyspark, Java 17+ or DuckDB is not installed.
            PlatformError: if there was no data yet and the generator failed.
        """
        node_type = self._checked_node_type(request)
        self.prepare([request.workload])
        directory = self._fresh_directory(request.run_id, node_type)
        command = self._command(request, node_type, directory)
        with FileLock(self._cache / "running.lock"):
            started_at = clock.now()
            exit_code = run_child(command, time_limit_s=self._time_limit_s)
            ended_at = clock.now()
        shutil.rmtree(directory / "scratch", ignore_errors=True)
        return RunOutcome(
            started_at=started_at,
            ended_at=ended_at,
            timeline=steady_timeline(request.spec, started_at, ended_at),
            event_log=_event_log(directory),
            failure=self._failure(request, directory, exit_code),
        )

    def _data(self, workload: str) -> data.TableData:
        return data.data_set(self._cache, self._scale_factor, benchmark_of(workload))

    def _checked_node_type(self, request: RunRequest) -> NodeType:
        _check_name("workload", request.workload, self.workloads())
        known = [t.node_type_id for t in self._node_types]
        _check_name("node type", request.spec.node_type_id, known)
        node_type = node_type_of(request.spec, self._node_types)
        if request.spec.worker_count > self._most_workers(node_type):
            raise ClusterTooLarge(self._why_too_large(request.spec, node_type))
        return node_type

    def _most_workers(self, node_type: NodeType) -> int:
        by_cores = self._capacity.cores // node_type.cores
        return min(by_cores, int(self._capacity.memory_gib // node_type.memory_gib))

    def _why_too_large(self, spec: ClusterSpec, node_type: NodeType) -> str:
        most = {t.node_type_id: self._most_workers(t) for t in self._node_types}
        fitting = ", ".join(f"{n} × {name}" for name, n in most.items() if n) or "none"
        return (
            f"{spec} needs {spec.worker_count * node_type.cores} cores and "
            f"{spec.worker_count * node_type.memory_gib:g} GiB; this machine has "
            f"{self._capacity.cores} cores, and {self._capacity.memory_gib:.1f} GiB beside the "
            f"driver. Ask for at most one of: {fitting}."
        )

    def _fresh_directory(self, run_id: str, node_type: NodeType) -> Path:
        """Return the run's own directory, empty but for what Spark needs to find there."""
        directory = self._root / run_directory_name(run_id)
        _remove(directory)
        (directory / "scratch").mkdir(parents=True)
        (directory / "eventlog").mkdir()
        software.make_spark_home(directory / "scratch" / "home")
        make_pinned_java_home(
            directory / "scratch" / settings.EXECUTOR_JAVA_HOME,
            software.java_home(os.environ),
            cores=node_type.cores,
        )
        return directory

    def _command(self, request: RunRequest, node_type: NodeType, directory: Path) -> ChildCommand:
        spark = settings.spark_settings(node_type, request.spec.worker_count, directory)
        path = directory / "request.json"
        DriverRequest(request.workload, spark, self._data(request.workload).directory).write(path)
        scratch = directory / "scratch"
        environment = software.spark_environment(scratch / "home", scratch, python=sys.executable)
        return ChildCommand(DRIVER, path, directory, directory / "spark.log", environment)

    def _failure(self, request: RunRequest, directory: Path, exit_code: int | None) -> str | None:
        what = f"{request.workload} on {request.spec}"
        outcome = read_outcome(directory / "outcome.json")
        if exit_code is None:
            why = f"{what} was stopped at its time limit of {self._time_limit_s:g} s."
        elif outcome is None:
            why = f"{what}: the driver process ended unexpectedly, {_ending(exit_code)}."
        elif outcome.failure is None:
            return None
        else:
            why = f"{what} failed: {outcome.failure}"
        return failures.with_log(why, directory / "spark.log")


def run_directory_name(run_id: str) -> str:
    """Return a name for the run's directory: one for each id, safe in every file system.

    Raises:
        InvalidInput: if the id is empty or too long for a file name.
    """
    name = quote(run_id, safe="=@+,").replace(".", "%2E")
    if not 0 < len(name) <= 200:
        raise InvalidInput(
            f"Run id {run_id!r} gives a directory name of {len(name)} bytes; 1 to 200 are "
            "possible. Give the run a shorter id."
        )
    return name


def _event_log(directory: Path) -> Path | None:
    logs = sorted((directory / "eventlog").iterdir())
    return logs[0] if logs else None


def _ending(exit_code: int) -> str:
    return f"by signal {-exit_code}" if exit_code < 0 else f"with exit code {exit_code}"


def _remove(directory: Path) -> None:
    """Take the directory away at once, then delete it.

    The rename first: should the processes of a run that was killed a moment ago still be ending,
    they find their directory gone, and cannot write into the new one.
    """
    if directory.exists():
        old = directory.with_name(f"{directory.name}.old-{uuid4().hex}")
        directory.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def _check_name(kind: str, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    close = get_close_matches(name, known, n=3)
    more = f" and {len(known) - _NAMES_SHOWN} more" if len(known) > _NAMES_SHOWN else ""
    some = f"Known: {', '.join(known[:_NAMES_SHOWN])}{more}."
    hint = f"Did you mean {' or '.join(close)}?" if close else some
    raise UnknownName(f"No {kind} is called {name!r} on spark_local. {hint}")


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise InvalidInput(f"{name} must be above 0; got {value}. Give a positive number.")


def _check_heap(node_type: NodeType) -> None:
    heap_mib = settings.executor_heap_mib(node_type.memory_gib)
    if heap_mib < settings.SMALLEST_HEAP_MIB:
        raise InvalidInput(
            f"Node type {node_type.node_type_id!r} with {node_type.memory_gib:g} GiB leaves Spark "
            f"{heap_mib} MiB of heap; it needs {settings.SMALLEST_HEAP_MIB}. "
            "Give the node type at least 0.82 GiB."
        )
