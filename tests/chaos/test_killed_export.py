"""A process killed while it writes tables leaves all four of the export before, or none."""

import signal
import subprocess
import sys

import pytest

from isocost.jobbank.parquet import FILES, exporting
from isocost.jobbank.rows import rows_of
from isocost.testing.experiments import Scale, an_experiment_record

ROWS = rows_of(an_experiment_record(scale=Scale(2, 1, 3)))
KILLED = """
import os, signal, sys
from pathlib import Path
from isocost.jobbank import parquet
from tests.chaos.test_killed_export import ROWS

def dying(path):
    os.kill(os.getpid(), signal.SIGKILL)

with parquet.exporting(Path(sys.argv[1])) as writer:
    writer.add("trials", ROWS.trials)
    if sys.argv[2] == "writing":
        dying(None)
    # The last moment before the finished files are moved.
    parquet._put_in_place = lambda made, target: dying(made)
"""


def killed(target, moment):
    command = [sys.executable, "-c", KILLED, str(target), moment]
    return subprocess.run(command, check=False).returncode


@pytest.mark.parametrize("moment", ["writing", "moving"])
def test_first_export_that_is_killed_leaves_none(tmp_path, moment):
    assert killed(tmp_path / "tables", moment) == -signal.SIGKILL
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("moment", ["writing", "moving"])
def test_second_export_that_is_killed_leaves_the_first(tmp_path, moment):
    target = tmp_path / "tables"
    with exporting(target) as writer:
        writer.add("runs", ROWS.runs)
    before = {each.name: each.read_bytes() for each in target.iterdir()}
    assert killed(target, moment) == -signal.SIGKILL
    assert {each.name: each.read_bytes() for each in target.iterdir()} == before
    assert sorted(before) == sorted(FILES.values())
