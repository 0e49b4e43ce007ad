"""An executor's JVM runs on its worker's cores and on no others."""

import json
import os
import subprocess
import sys

import pytest

from isocost.platforms.spark_local.pinning import CAN_PIN, make_pinned_java_home

if not CAN_PIN:
    pytest.skip("this system cannot confine a process to cores", allow_module_level=True)

MACHINE = sorted(os.sched_getaffinity(0))


@pytest.fixture
def cores_of(tmp_path):
    """Return a function: (cores of a worker, Java's arguments) → what the JVM would see."""
    java = tmp_path / "a real java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "print(json.dumps([sorted(os.sched_getaffinity(0)), sys.argv[1:]]))\n"
    )
    java.chmod(0o755)

    def run(cores, *arguments):
        home = tmp_path / f"pinned to {cores}"
        if not home.exists():
            make_pinned_java_home(home, tmp_path / "a real java", cores=cores)
        command = [home / "bin" / "java", *arguments]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    return run


def test_first_executor_gets_the_first_core(cores_of):
    assert cores_of(1, "--executor-id", "0")[0] == MACHINE[:1]


@pytest.mark.skipif(len(MACHINE) < 2, reason="needs two cores to tell executors apart")
def test_executors_do_not_share_cores(cores_of):
    first, second = (cores_of(1, "--executor-id", n)[0] for n in ("0", "1"))
    assert not set(first) & set(second)


@pytest.mark.skipif(len(MACHINE) < 2, reason="needs two cores")
def test_worker_of_two_cores_gets_two(cores_of):
    assert cores_of(2, "--executor-id", "0")[0] == MACHINE[:2]


def test_arguments_reach_java_unchanged(cores_of):
    given = ["-Xmx640m", "-Dname=a b", "--executor-id", "0"]
    assert cores_of(1, *given)[1] == given
