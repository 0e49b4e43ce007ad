"""Standard input as a lifeline: when the parent is gone, the child and all it started end at once.

The parent holds the write end of the child's standard input and never writes. The kernel closes it
when the parent dies of whatever cause, SIGKILL included; the child then reads the end of file.
"""

import os
import signal
import sys
import threading


def hold() -> None:
    """Watch standard input from a background thread; at its end, kill the whole process group.

    To be called first thing in a child that leads its own process group. The executors belong to
    that group; Python workers have left it, but they end when their executor's pipe closes.
    """
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)
