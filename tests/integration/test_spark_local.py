"""Real Spark runs: right clusters, readable failures, and nothing left behind."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyspark
import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec
from isocost.domain.profile import StageStatus
from isocost.platforms.base import RunRequest
from isocost.platforms.spark_local.data import data_set, make
from isocost.platforms.spark_local.launch import session_members
from isocost.platforms.spark_local.machine import usable_cores
from isocost.platforms.spark_local.platform import SparkLocal
from isocost.wiring import read_profile

pytestmark = pytest.mark.spark
SCALE = 0.01
OTHERS = (
    "iterative/pagerank",
    "ml/kmeans",
    "ml/logistic-regression",
    "etl/wide-join-write",
    "reports/nightly",
)


@pytest.fixture
def run(tmp_path, tpcds_cache):
    """Return a function: (workload, workers, node) → outcome of a run with the id `r-1`."""

    def execute(workload, workers=1, node="local-1c-1g", **limits):
        cache = limits.pop("cache", tpcds_cache)
        limits = {"scale_factor": SCALE, "time_limit_s": 600.0} | limits
        platform = SparkLocal(LOCAL_NODE_TYPES, tmp_path, cache, **limits)
        return platform.execute(RunRequest("r-1", workload, ClusterSpec(node, workers)))

    return execute


def processes_naming(folder):
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


def await_that(fact, within_s=60.0):
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("workers", "node", "cores"),
    [(1, "local-1c-1g", 1), (2, "local-1c-2g", 2), (1, "local-2c-2g", 2)],
)
def test_event_log_shows_the_cluster_asked_for(run, workers, node, cores):
    if cores > usable_cores():
        pytest.skip(f"this machine has fewer than {cores} cores")
    profile = read_profile(str(run("tpcds/q3", workers, node).event_log))
    assert (profile.executor_count_peak, profile.core_count_peak) == (workers, cores)
    assert profile.is_complete


@pytest.mark.parametrize("workload", OTHERS)
def test_application_succeeds_on_the_smallest_worker(run, workload):
    outcome = run(workload)
    assert outcome.failure is None
    stages = read_profile(str(outcome.event_log)).stages
    assert {s.status for s in stages} == {StageStatus.SUCCEEDED}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tpcds_cache):
    """The directory of a run that has ended; what the wheel of Spark gained by it."""
    root, wheel = tmp_path_factory.mktemp("runs"), Path(pyspark.__file__).parent
    before = set(wheel.iterdir())
    platform = SparkLocal(
        LOCAL_NODE_TYPES, root, tpcds_cache, scale_factor=SCALE, time_limit_s=600.0
    )
    platform.execute(RunRequest("r-1", "rdd/sort", ClusterSpec("local-1c-1g", 1)))
    return root / "r-1", set(wheel.iterdir()) - before


def test_run_keeps_its_logs_and_nothing_else(finished):
    kept = {path.name for path in finished[0].iterdir()}
    assert kept == {"request.json", "outcome.json", "eventlog", "spark.log"}


def test_run_writes_nothing_into_the_wheel(finished):
    assert finished[1] == set()


def test_run_leaves_no_process(finished):
    assert processes_naming(finished[0]) == []


def test_log_of_a_good_run_is_quiet(finished):
    assert (finished[0] / "spark.log").read_text() == ""


def test_failed_application_tells_why_in_a_few_lines(run, tmp_path, tpcds_cache):
    make(data_set(tpcds_cache, SCALE), SCALE)
    shutil.copytree(tpcds_cache, tmp_path / "broken", symlinks=True)
    shutil.rmtree(next((tmp_path / "broken").glob("tpcds-*/")) / "store_sales")
    failure = run("tpcds/q3", cache=tmp_path / "broken").failure
    assert "tpcds/q3 on 1 × local-1c-1g failed" in failure
    assert "PATH_NOT_FOUND" in failure
    assert "spark.log" in failure
    assert len(failure.splitlines()) <= 20


def test_time_limit_ends_the_run_and_says_so(run, tmp_path):
    failure = run("tpcds/q3", time_limit_s=4.0).failure
    assert "stopped at its time limit of 4 s" in failure
    assert processes_naming(tmp_path) == []


PRODUCT = """
import sys, pathlib
from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec
from isocost.platforms.base import RunRequest
from isocost.platforms.spark_local.platform import SparkLocal
root, cache = map(pathlib.Path, sys.argv[1:])
platform = SparkLocal(LOCAL_NODE_TYPES, root, cache, scale_factor=0.01, time_limit_s=600.0)
platform.execute(RunRequest("r-1", "rdd/sort", ClusterSpec("local-1c-1g", 1)))
"""


@pytest.fixture
def running(tmp_path, tpcds_cache):
    """The product in another process, in the middle of a run whose executor is at work."""
    arguments = [sys.executable, "-c", PRODUCT, str(tmp_path), str(tpcds_cache)]
    product = subprocess.Popen(arguments)
    try:
        await_that(lambda: any("--executor-id" in p for p in processes_naming(tmp_path)))
        await_that(lambda: python_workers(tmp_path))
        yield product
    finally:
        product.kill()
        product.wait()


def session_of_run(folder):
    listed = subprocess.run(
        ["ps", "-eww", "-o", "sess,args"], capture_output=True, text=True, check=True
    )
    named = [line.split()[0] for line in listed.stdout.splitlines() if f"{folder}/r-1" in line]
    return int(named[0]) if named else 0


def python_workers(folder):
    members = session_members(session_of_run(folder))
    return [p for p in members if b"pyspark.daemon" in Path(f"/proc/{p}/cmdline").read_bytes()]


def test_killed_product_leaves_no_process(running, tmp_path):
    session = session_of_run(tmp_path)
    assert len(session_members(session)) >= 4  # driver, its JVM, an executor, a Python worker
    running.kill()
    running.wait()
    await_that(lambda: session_members(session) == [], within_s=15)


def listening_addresses(pids):
    """Return the hexadecimal local addresses on which the processes listen (proc(5), net/tcp)."""
    sockets = {link for pid in pids for link in open_sockets(pid)}
    rows = []
    for table in ("tcp", "tcp6"):
        rows += [r.split() for r in Path("/proc/net", table).read_text().splitlines()[1:]]
    return {r[1].split(":")[0] for r in rows if r[3] == "0A" and f"socket:[{r[9]}]" in sockets}


def open_sockets(pid):
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield os.readlink(fd)
        except FileNotFoundError:
            continue


def test_everything_listens_on_loopback_only(running, tmp_path):
    addresses = listening_addresses(session_members(session_of_run(tmp_path)))
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "0" * 24 + "01000000"}
    assert addresses
    assert addresses <= loopback
