"""The project's own gate: a small experiment, held against another policy and a kept reference.

The reference holds what the engine came to when it was written. If a change makes the engine
better, or makes trials other ones, write it anew:

    isocost bank run --platform workspace --name gate, with the workloads and terms below
    isocost bank export gate --to tests/golden/experiment.json
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

# Both experiments run before the first test: a minute on two free cores, more on busy ones.
pytestmark = pytest.mark.timeout(900)

REFERENCE = Path(__file__).parents[1] / "golden" / "experiment.json"
# Eight quick queries: as many witnesses as a verdict needs, and two to spare.
WORKLOADS = "tpcds/q3,tpcds/q12,tpcds/q20,tpcds/q42,tpcds/q43,tpcds/q52,tpcds/q55,tpcds/q96"
TERMS = ("--workloads", WORKLOADS, "--cold-starts", "1", "--runs", "4", "--seed", "7")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    environment = os.environ | {"ISOCOST_HOME": str(tmp_path_factory.mktemp("home"))}

    def call(*words):
        command = [sys.executable, "-m", "isocost", "bank", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )

    for policy in ("engine", "static"):
        platform = ("--platform", "workspace", "--policy", policy, "--name", policy)
        done = call("run", *platform, *TERMS, "--processes", "2", "--json")
        assert done.returncode == 0, done.stderr
    return call


def compared(bank, before, after):
    done = bank("compare", before, after, "--json")
    return done.returncode, json.loads(done.stdout)


def test_policy_that_never_moves_is_worse_beyond_chance(bank):
    code, found = compared(bank, "engine", "static")
    assert (code, found["verdict"], found["pairs"]) == (1, "worse", 8)
    cost = found["measures"]["cost_over_baseline"]
    assert cost["verdict"] == "worse"
    assert 0 < cost["low"] < cost["difference"]


def test_the_other_way_round_the_cost_is_better(bank):
    _, found = compared(bank, "static", "engine")
    assert found["measures"]["cost_over_baseline"]["verdict"] == "better"


def test_engine_differs_in_nothing_from_itself(bank):
    code, found = compared(bank, "engine", "engine")
    assert (code, found["verdict"]) == (0, "no difference")


def test_engine_is_no_worse_than_when_the_reference_was_written(bank):
    code, found = compared(bank, str(REFERENCE), "engine")
    assert code == 0, found["measures"]


def test_report_and_tables_are_of_the_same_runs(bank, tmp_path):
    told = json.loads(
        bank("report", "engine", "--html", str(tmp_path / "e.html"), "--json").stdout
    )
    assert bank("export", "engine", "--to", str(tmp_path / "tables")).returncode == 0
    runs = duckdb.sql(f"select count(*) from '{tmp_path}/tables/runs.parquet'").fetchone()
    assert (told["runs"], runs[0]) == (32, 32)
    assert "Prediction error against the change in worker count" in (
        tmp_path / "e.html"
    ).read_text(encoding="utf-8")
