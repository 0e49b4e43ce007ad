"""The demo on two simulated workspaces, shortened: whole, and the same every time."""

import json
import os
import subprocess
import sys

import pytest

DAYS = 8  # the fewest
KEYS = {
    *("jobs", "runs", "seconds", "median_saving_fraction", "sla_met_fraction", "dearer_jobs"),
    *("causes", "report", "jobs_table"),
}
# What depends on this machine and this minute.
OF_THE_MOMENT = {"seconds", "report"}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Return what the demo printed in two homes, both with the same seed."""
    return [_demo(tmp_path_factory.mktemp("home")) for _ in range(2)]


def _demo(home):
    command = [sys.executable, "-m", "isocost", "demo", "--days", str(DAYS), "--seed", "3"]
    ended = subprocess.run(
        [*command, "--json"],
        env={**os.environ, "ISOCOST_HOME": str(home)},
        capture_output=True,
        check=True,
    )
    return json.loads(ended.stdout)


def test_every_job_of_both_workspaces_was_looked_after(lived):
    shown = lived[0]
    assert set(shown) == KEYS
    assert shown["jobs"] == len(shown["jobs_table"]) == 20
    assert {row["workspace"] for row in shown["jobs_table"]} == {"demo-aws", "demo-azure"}
    assert shown["runs"] == sum(row["run_count"] for row in shown["jobs_table"]) > 20
    assert sum(row["clusters"] != {} for row in shown["jobs_table"]) == 20


def test_same_seed_gives_the_same_result(lived):
    first, second = ({k: v for k, v in one.items() if k not in OF_THE_MOMENT} for one in lived)
    assert first == second
