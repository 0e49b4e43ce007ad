"""SIGKILL in the middle of an experiment on real Spark: the same command goes on where it was."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from isocost.domain.run import RunState
from isocost.store.sql.store import SqlStore

pytestmark = pytest.mark.spark

COMMAND = [
    *(sys.executable, "-m", "isocost", "bank", "run", "--json", "--name", "killed"),
    *("--platform", "spark_local", "--workloads", "tpcds/q3,rdd/sort"),
    *("--cold-starts", "1", "--runs", "2"),
]


@pytest.fixture
def environment(tmp_path):
    return os.environ | {
        "ISOCOST_HOME": str(tmp_path / "home"),
        "ISOCOST_CACHE": str(tmp_path / "cache"),
        "ISOCOST_SPARK_LOCAL_SCALE_FACTOR": "0.01",
    }


def stored_runs(tmp_path):
    path = tmp_path / "home" / "isocost.db"
    if not path.exists():
        return {}
    store = SqlStore(path)
    with store.transaction() as tx:
        known = [e.name for e in tx.experiments()]
        trials = tx.trials_of("killed") if "killed" in known else []
        runs = {run.run_id: run for t in trials for run in tx.runs_of(t.project_id)}
    store.close()
    return runs


def wait_for_the_second_run(tmp_path, process, patience_s=120):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and process.poll() is None:
        states = [run.state for run in stored_runs(tmp_path).values()]
        if len(states) > 1 and states[-1] is RunState.RUNNING:
            return
        time.sleep(0.1)
    pytest.fail("the experiment never came to its second run")


def processes_of(tmp_path):
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if str(tmp_path) in line]


def test_killed_experiment_goes_on_and_repeats_nothing(tmp_path, environment):
    first = subprocess.Popen(COMMAND, env=environment, stdout=subprocess.DEVNULL)
    wait_for_the_second_run(tmp_path, first)
    time.sleep(2)  # into the middle of Spark's start
    first.send_signal(signal.SIGKILL)
    first.wait()
    finished = {k: r for k, r in stored_runs(tmp_path).items() if r.state is RunState.INGESTED}
    assert len(finished) == 1

    again = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["runs"] == 4
    after = stored_runs(tmp_path)
    assert {run.state for run in after.values()} == {RunState.INGESTED}
    assert after | finished == after
    assert processes_of(tmp_path) == []
