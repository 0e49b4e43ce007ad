"""Child processes in sessions of their own: started, timed, and ended with all they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isocost.clock import monotonic_s

# A killed process leaves the process table within milliseconds; a slow disk may hold one back.
_GONE_WITHIN_S = 10.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """One module of this package to run as `python -m module argument`.

    Attributes:
        argument: a file that tells the child what to do.
        log: file that takes both of the child's output streams.
    """

    module: str
    argument: Path
    directory: Path
    log: Path
    environment: Mapping[str, str]


def run_child(command: ChildCommand, *, time_limit_s: float) -> int | None:
    """Run `command` to its end and return its exit code, or None if the time limit ended it.

    Whatever way the call ends, none of the processes that the child started is left. A negative
    code is the number of the signal that ended the child.
    """
    with command.log.open("ab") as log, _start(command, log.fileno()) as child:
        try:
            return child.wait(timeout=time_limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end_session(child.pid)
            child.kill()


def _start(command: ChildCommand, log_fd: int) -> "subprocess.Popen[bytes]":
    arguments = [sys.executable, "-m", command.module, str(command.argument)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module; no shell, no user text
        arguments,
        cwd=command.directory,
        env=dict(command.environment),
        stdin=subprocess.PIPE,  # the lifeline: see lifeline.py
        stdout=log_fd,
        stderr=log_fd,
        start_new_session=True,
    )


def end_session(session_id: int) -> None:
    """Kill every process of the session and wait until none is left.

    A session, not only its process group: Spark's Python workers form groups of their own.
    """
    deadline_s = monotonic_s() + _GONE_WITHIN_S
    while members := session_members(session_id):
        for pid in members:
            _kill(pid)
        if monotonic_s() > deadline_s:
            return
        time.sleep(_POLL_S)


def session_members(session_id: int) -> list[int]:
    """Return the ids of the session's living processes.

    Where there is no /proc (macOS), these are the leader's process group as one negative id.
    """
    if not Path("/proc/self/stat").exists():
        return _group_if_alive(session_id)
    with os.scandir("/proc") as entries:
        pids = [entry.name for entry in entries if entry.name.isdigit()]
    return [int(pid) for pid in pids if _living_session(pid) == session_id]


def _living_session(pid: str) -> int | None:
    try:
        stat = Path("/proc", pid, "stat").read_text()
    except OSError:  # it ended between the listing and this line
        return None
    # proc(5): "pid (comm) state ppid pgrp session ..."; comm may hold spaces and brackets.
    state, _ppid, _pgrp, session = stat.rpartition(")")[2].split()[:4]
    return None if state in "ZX" else int(session)


def _group_if_alive(group_id: int) -> list[int]:
    try:
        os.killpg(group_id, 0)
    except (ProcessLookupError, PermissionError):
        return []
    return [-group_id]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
