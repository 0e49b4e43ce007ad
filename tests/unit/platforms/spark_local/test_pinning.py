"""An executor runs on its worker's cores and on no others."""

import os
import subprocess
from pathlib import Path

import pytest

from isocost.platforms.spark_local.pinning import CAN_PIN, make_pinned_java_home

pytestmark = pytest.mark.skipif(not CAN_PIN, reason="this system cannot confine a process")

SHOW = '#!/bin/sh\ngrep Cpus_allowed_list /proc/self/status; echo "$@"\n'


def run_executor(folder, cores, number):
    java = folder / "a java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(SHOW)
    java.chmod(0o755)
    make_pinned_java_home(folder / "pinned home", Path(java.parents[1]), cores=cores)
    command = [folder / "pinned home" / "bin" / "java", "-Xmx1g", "--executor-id", str(number)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    allowed, arguments = shown.stdout.splitlines()
    return allowed.split()[1], arguments


@pytest.mark.parametrize("number", [0, 1])
def test_executor_of_one_core_gets_the_core_of_its_number(tmp_path, number):
    machine = sorted(os.sched_getaffinity(0))
    allowed, _ = run_executor(tmp_path, 1, number)
    assert allowed == str(machine[number % len(machine)])


def test_executor_of_all_cores_gets_them_all(tmp_path):
    machine = os.sched_getaffinity(0)
    allowed, _ = run_executor(tmp_path, len(machine), 0)
    assert allowed.replace("-", ",").split(",")[-1] == str(max(machine))


def test_arguments_reach_java_unchanged(tmp_path):
    _, arguments = run_executor(tmp_path, 1, 0)
    assert arguments == "-Xmx1g --executor-id 0"
