"""Child processes are timed, and end with everything they started, whatever happens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isocost.platforms.spark_local.launch import ChildCommand, run_child, session_members

SLEEPER = "import subprocess, sys\nsubprocess.run(['sleep', '60'])\n"
# A grandchild that leaves the process group, as Spark's Python workers do.
DESERTER = """
import pathlib, subprocess, sys, time
child = subprocess.Popen(['sleep', '60'], process_group=0)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""
HOLDER = """
import pathlib, subprocess, sys
from isocost.platforms.spark_local import lifeline
lifeline.hold()
child = subprocess.Popen(['sleep', '60'])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
child.wait()
"""
PARENT = """
import os, pathlib, sys
from isocost.platforms.spark_local.launch import ChildCommand, run_child
here = pathlib.Path(sys.argv[1])
command = ChildCommand('child_module', here / 'note', here, here / 'log', dict(os.environ))
run_child(command, time_limit_s=60)
"""


def a_child(folder, source):
    (folder / "child_module.py").write_text(source)
    note, log = folder / "note", folder / "log"
    return ChildCommand("child_module", note, folder, log, dict(os.environ))


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def await_that(fact, within_s=10.0):
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@pytest.mark.parametrize("code", [0, 7])
def test_exit_code_comes_back(tmp_path, code):
    assert run_child(a_child(tmp_path, f"raise SystemExit({code})"), time_limit_s=30) == code


def test_signal_comes_back_as_negative_code(tmp_path):
    source = "import os; os.kill(os.getpid(), 9)"
    assert run_child(a_child(tmp_path, source), time_limit_s=30) == -signal.SIGKILL


def test_output_goes_to_the_log(tmp_path):
    run_child(
        a_child(tmp_path, "import sys; print('out'); sys.stderr.write('err')"), time_limit_s=9
    )
    assert {"out", "err"} <= set((tmp_path / "log").read_text().split())


def test_time_limit_gives_none_and_ends_soon(tmp_path):
    started = time.monotonic()
    assert run_child(a_child(tmp_path, SLEEPER), time_limit_s=0.5) is None
    assert time.monotonic() - started < 10


def test_time_limit_ends_those_who_left_the_group(tmp_path):
    run_child(a_child(tmp_path, DESERTER), time_limit_s=1.5)
    assert not is_alive(int((tmp_path / "note").read_text()))


def test_own_session_has_members():
    assert os.getpid() in session_members(os.getsid(0))


def test_killed_parent_takes_child_and_grandchild_along(tmp_path):
    (tmp_path / "child_module.py").write_text(HOLDER)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    note = tmp_path / "note"
    await_that(lambda: note.exists() and note.read_text())
    parent.kill()
    parent.wait()
    await_that(lambda: not is_alive(int(note.read_text())))
