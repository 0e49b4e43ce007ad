"""The demo as a user runs it: real Spark, a table, a report, and JSON that keeps its keys."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def isocost(tmp_path_factory):
    """Return a function that runs the command in a home of its own, on small data."""
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {
        "ISOCOST_HOME": str(home),
        "ISOCOST_CACHE": str(home / "cache"),
        "ISOCOST_SPARK_LOCAL_SCALE_FACTOR": "0.01",
    }

    def run(*arguments):
        command = [sys.executable, "-m", "isocost", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def demo(isocost):
    done = isocost(
        "demo", "--real-spark", "--workloads", "tpcds/q3", "--cold-starts", "2", "--json"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_demo_carries_every_project_through_parent_and_child(demo):
    assert (demo["jobs"], demo["runs"], len(demo["jobs_table"])) == (2, 4, 2)


def test_demo_keeps_the_keys_that_others_rely_on(demo):
    assert {
        *("jobs", "runs", "seconds", "median_saving_fraction", "sla_met_fraction"),
        *("dearer_jobs", "causes", "report", "jobs_table"),
    } <= set(demo)


def test_every_prediction_has_its_interval_and_its_actual(demo):
    for row in demo["jobs_table"]:
        assert row["predicted_80_s"]["low"] < row["predicted_s"] < row["predicted_80_s"]["high"]
        assert row["actual_s"] > 0
        assert row["reason"]


def test_report_is_one_self_contained_page(demo):
    page = Path(demo["report"]).read_text(encoding="utf-8")
    assert "Prediction error against the change in cores" in page
    assert "tpcds/q3" in page
    assert 'src="http' not in page


def test_report_command_repeats_the_figures(demo, isocost):
    name = Path(demo["report"]).stem
    report = json.loads(isocost("bank", "report", name, "--json").stdout)
    assert (report["experiment"], report["projects"], report["runs"]) == (name, 2, 4)
    engine = report["policies"]["engine"]
    assert engine["prediction"]["mape"]["mean"] >= 0
    assert engine["search"]["steps_to_within"] == {
        "1.2": None,
        "1.1": None,
        "1.05": None,
        "1.0": None,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bank", "run", "--workloads", "tpcds/q100"), "isocost bank workloads"),
        (("bank", "run", "--cold-start", "local-2c-2g:99"), "cannot run 99"),
        (("bank", "run", "--cold-start", "m5.large:1"), "No node type"),
        (("bank", "run", "--platform", "emr"), "spark_local"),
        (("bank", "report", "nothing"), "no experiment"),
        (("whatif", "nowhere", "--cores", "4"), "does not exist"),
        (("whatif", __file__, "--cores", "4"), "no event log"),
        (("whatif", __file__, "--cores", "four"), "--cores 8,16,32"),
    ],
)
def test_bad_input_ends_in_one_message_and_exit_code_2(isocost, arguments, message):
    done = isocost(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
