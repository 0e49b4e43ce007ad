"""Where the command line writes: data to stdout, talk and progress bars to stderr."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

INTERRUPTED: Final = 130  # the exit code: 128 + SIGINT, as every shell has it
# Into a file or pipe there is no screen to fit; this is what the widest table needs.
_WIDTH_WITHOUT_SCREEN: Final = 140


class OutputClosed(Exception):
    """Whoever read our stdout went away, as `head` does; there is nobody left to tell."""


class _Output(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Say so to the root, instead of ending the process from inside a print."""
        raise OutputClosed


# Who sets COLUMNS wants that width, screen or not; Rich reads it.
_HAS_WIDTH: Final = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
OUT: Final = _Output(width=None if _HAS_WIDTH else _WIDTH_WITHOUT_SCREEN)
ERR: Final = Console(stderr=True)


def screen_width() -> int | None:
    """Return how many characters stdout's reader sees in a line; None where it is no screen."""
    return OUT.width if _HAS_WIDTH else None


def say(message: str, *, style: str = "") -> None:
    """Write a sentence to stderr, unbroken, so that it can be searched for and copied."""
    ERR.print(message, style=style, markup=False, highlight=False, soft_wrap=True)


def print_json(value: Mapping[str, object]) -> None:
    """Write one JSON object and nothing else to stdout."""
    with _watched_output():
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    flush_output()


def flush_output() -> None:
    """Hand over what stdout still holds; raises OutputClosed where nobody takes it."""
    with _watched_output():
        sys.stdout.flush()


@contextmanager
def _watched_output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error


class RunProgress:
    """A progress bar over runs; where no bar can be drawn, each message is a line."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._row = bar.add_task("starting", total=None)

    def __call__(self, message: str, *, done: int, total: int) -> None:
        """Show the newest message and how many runs are over."""
        self._bar.update(self._row, description=message, completed=done, total=total)
        if not self._bar.console.is_terminal:
            line = f"[{done}/{total}] {message}"
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def run_progress(noun: str = "runs") -> Iterator[RunProgress]:
    """Show a progress bar on stderr for as long as the block lasts; `noun` is what it counts."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(noun),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=ERR, disable=not ERR.is_terminal)
    with bar:
        yield RunProgress(bar)
