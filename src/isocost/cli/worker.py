"""`isocost worker`: carries out trials that an experiment has put into a queue on PostgreSQL."""

import os
import signal
import threading
from contextlib import closing
from typing import Annotated

import typer

from isocost.cli.console import say
from isocost.cli.logs import write_log
from isocost.settings import read_settings


def worker(
    *,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Trials at once, each in a process of its own; one for a core."),
    ] = None,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End once nothing is left to do.")
    ] = False,
) -> None:
    """Carry out trials of experiments until interrupted; start as many as there are machines.

    Workers share the PostgreSQL database that ISOCOST_STORAGE_DATABASE names, and may come and go
    while an experiment runs. Interrupted by Ctrl-C or SIGTERM, a worker gives what it has in hand
    10 seconds to end, and hands back what has not. Killed, its trials are taken over by others
    within a minute. While the database is away it waits.

    Example: isocost worker --concurrency 2
    """
    # A database and a queue take a second to load; only whoever works waits.
    from isocost.cores import usable_cores
    from isocost.queue.base import Shift
    from isocost.wiring import open_shared_queue, open_store, trial_handlers

    settings = read_settings(os.environ)
    write_log()
    with closing(open_shared_queue(settings)) as queue:
        open_store(settings).close()  # a wrong password is told now, and in good words
        shift = Shift(concurrency or usable_cores(), threading.Event(), is_until_empty=until_empty)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: shift.stopping.set())
        say(f"Working, {shift.concurrency} at once, until interrupted with Ctrl-C.")
        queue.work(trial_handlers(settings), shift)
    say("Stopped.")
