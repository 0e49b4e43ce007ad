"""Workers as users start them: processes of their own on a real PostgreSQL, to be killed."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from isocost.clock import monotonic_s
from isocost.domain.experiment import TrialState
from isocost.store.address import PostgresAddress
from isocost.testing.postgres import PostgresServer

_GLANCE_S: Final = 0.02

# Each step of each trial with the server's time, whoever took it: what rows alone do not tell.
_BOOK: Final = """
create table steps (at timestamptz default clock_timestamp(), trial_id text, state text);
create function note_step() returns trigger language plpgsql as
$$ begin insert into steps (trial_id, state) values (new.trial_id, new.state); return new; end $$;
create trigger note_step after insert or update of state on trials
for each row execute function note_step();
"""


def environment(home: Path, address: PostgresAddress | None = None) -> Mapping[str, str]:
    """Return what a command of Isocost needs to work in a home, on SQLite or PostgreSQL."""
    names = {"ISOCOST_HOME": str(home), "ISOCOST_CACHE": str(home / "cache")}
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ISOCOST_")}
    if address is not None:
        names["ISOCOST_STORAGE_DATABASE"] = address.url
    return {**ours, **names}


@contextmanager
def started(environment: Mapping[str, str], *words: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a command of Isocost beside the block; whatever is left of it at the end is killed."""
    log = Path(environment["ISOCOST_HOME"]) / "log"
    with log.open("a") as said:
        process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "isocost", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Site:
    """A database for an experiment, and a home for all processes that work at it."""

    server: PostgresServer
    address: PostgresAddress
    home: Path

    def started(self, *words: str) -> "AbstractContextManager[subprocess.Popen[str]]":
        """Run a command beside the block."""
        return started(environment(self.home, self.address), *words)

    def rows(self, query: str) -> Sequence[tuple[Any, ...]]:
        """Return what the database answers."""
        return self.server.execute(query, self.address.url.rpartition("/")[2])

    def keep_book(self) -> None:
        """Have each step of each trial written down in the table `steps`."""
        self.rows(_BOOK)

    def wait_until(self, query: str, is_so: Callable[[Any], bool], *, patience_s: float) -> None:
        """Wait until the one value that a query asks for is as wanted; raises TimeoutError."""
        deadline_s = monotonic_s() + patience_s
        while not is_so(found := self.rows(query)[0][0]):
            if monotonic_s() > deadline_s:
                said = (self.home / "log").read_text()
                raise TimeoutError(f"{query} still gives {found!r}. Commands said: {said}")
            time.sleep(_GLANCE_S)

    def server_s(self) -> float:
        """Return the server's clock, in seconds, by which the book is kept."""
        return float(self.rows("select extract(epoch from clock_timestamp())")[0][0])

    def book(self) -> "list[Step]":
        """Return the steps that were written down, oldest first."""
        return [
            Step(float(at_s), trial_id, TrialState(state))
            for at_s, trial_id, state in self.rows(
                "select extract(epoch from at), trial_id, state from steps order by at"
            )
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trial; `at_s` by the server's clock."""

    at_s: float
    trial_id: str
    state: TrialState


def end_counts(book: Sequence[Step]) -> Counter[str]:
    """Return how often each trial ended."""
    open_states = {TrialState.QUEUED, TrialState.RUNNING}
    return Counter(step.trial_id for step in book if step.state not in open_states)


def takeovers_s(book: Sequence[Step], killed_at_s: float) -> list[float]:
    """Return how long after a kill each trial was begun again that had been begun before it."""
    begun = [step for step in book if step.state is TrialState.RUNNING]
    before = {step.trial_id for step in begun if step.at_s <= killed_at_s}
    return [
        step.at_s - killed_at_s
        for step in begun
        if step.at_s > killed_at_s and step.trial_id in before
    ]
