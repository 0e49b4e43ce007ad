"""Imported projects in; each looked after, again and again, until somebody says stop.

A sweep wakes every project on start-up and then once in a period, a webhook wakes the one whose
run has ended, and workers look after whoever is awake. A project is never in two workers' hands
at once; two processes may meet at one, and then the rows decide who was faster.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from isocost import clock
from isocost.errors import IsocostError, NotFound
from isocost.store.base import Store
from isocost.usecases.loop import Loop
from isocost.usecases.reconcile import is_left_alone, look_after, store_fault

# Webhooks tell of most runs at once; the sweep is for those that were missed, and a minute is what
# a workspace's list of runs can be asked by every project without anybody noticing.
PERIOD: Final = timedelta(minutes=1)
# Looking after a project is waiting for the workspace and the log store most of the time.
WORKERS: Final = 2

_LOG: Final = logging.getLogger(__name__)

GoOn = Callable[[], bool]


class Agenda:
    """Who waits to be looked after; gives each project to one worker at a time. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}  # in the order in which they were added
        self._under_way: set[str] = set()
        self._is_closed = False

    def add(self, project_id: str) -> None:
        """Have a project looked after soon; once more if somebody is at it already."""
        with self._changed:
            self._waiting[project_id] = None
            self._changed.notify_all()

    @contextmanager
    def next(self) -> Iterator[str | None]:
        """Wait for a project and hold it as long as the block lasts; None once it is closed."""
        project_id = self._taken()
        try:
            yield project_id
        finally:
            with self._changed:
                self._under_way.discard(project_id or "")
                self._changed.notify_all()

    def _taken(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._free())
            if self._is_closed:
                return None
            project_id = self._free()[0]
            del self._waiting[project_id]
            self._under_way.add(project_id)
            return project_id

    def _free(self) -> list[str]:
        """Return those who wait and are in nobody's hands."""
        return [each for each in self._waiting if each not in self._under_way]

    def close(self) -> None:
        """Let nobody take a project any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def settle(self, patience_s: float) -> bool:
        """Wait until nobody waits and nobody is under way; says whether that came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and not self._under_way, patience_s
            )

    @property
    def waiting_count(self) -> int:
        """How many wait for a worker."""
        with self._changed:
            return len(self._waiting)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the watch is doing.

    Attributes:
        swept_at: when all projects were woken last; None before the first time, or if none is.
        waiting_count: projects that wait for a worker.
    """

    is_running: bool
    swept_at: datetime | None
    waiting_count: int


class Watch:
    """Threads that look after all imported projects as long as its block lasts."""

    def __init__(
        self, loop: Loop, *, period: timedelta | None = PERIOD, worker_count: int = WORKERS
    ) -> None:
        """Prepare; the block starts it.

        Args:
            loop: what projects are looked after with.
            period: from sweep to sweep; None to look only at those who are woken.
            worker_count: projects looked after at once.
        """
        self._loop = loop
        self._agenda = Agenda()
        self._stopping = threading.Event()
        self._swept_at: datetime | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"watch {n}") for n in range(worker_count)
        ]
        if period is not None:
            poller = threading.Thread(target=self._poll, args=(period,), name="watch poller")
            self._threads.append(poller)

    def start(self) -> None:
        """Begin, with a sweep; what another process left unfinished goes on now."""
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wake(self, project_id: str) -> None:
        """Have one project looked after as soon as a worker is free; returns at once."""
        self._agenda.add(project_id)

    def stop(self) -> None:
        """End: steps under way are finished, what comes after them is left to the next start."""
        self._stopping.set()
        self._agenda.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def settle(self, patience_s: float) -> bool:
        """Wait until all who were woken have been looked after; says whether that came in time."""
        return self._agenda.settle(patience_s)

    def pulse(self) -> Pulse:
        """Return how it is doing."""
        is_running = not self._stopping.is_set() and all(t.is_alive() for t in self._threads)
        return Pulse(is_running, self._swept_at, self._agenda.waiting_count)

    def _poll(self, period: timedelta) -> None:
        while not self._stopping.is_set():
            try:
                for project_id in projects_to_look_after(self._loop):
                    self._agenda.add(project_id)
                self._swept_at = clock.now()
            except IsocostError as error:  # the database is away; the next period tries again
                _LOG.warning("sweep failed code=%s: %s", error.code, error)
            self._stopping.wait(period.total_seconds())

    def _work(self) -> None:
        while True:
            with self._agenda.next() as project_id:
                if project_id is None:
                    return
                look_safely(self._loop, project_id, go_on=lambda: not self._stopping.is_set())


def sweep(loop: Loop, workspaces: Collection[str] | None = None) -> Mapping[str, bool]:
    """Look after every imported project once, one after the other; says who is well, by id.

    Args:
        loop: what they are looked after with.
        workspaces: only the projects of these; all if None.
    """
    ids = projects_to_look_after(loop, workspaces)
    return {project_id: look_safely(loop, project_id) for project_id in ids}


def projects_to_look_after(loop: Loop, workspaces: Collection[str] | None = None) -> list[str]:
    """Return the ids of imported projects that are neither taken off nor left alone."""
    with loop.store.transaction(read_only=True) as tx:
        projects = tx.imported_projects()
    return [
        project.project_id
        for project in projects
        if not project.is_retired
        and not is_left_alone(loop, project)
        and (workspaces is None or (project.origin and project.origin.workspace in workspaces))
    ]


def look_safely(loop: Loop, project_id: str, *, go_on: GoOn = lambda: True) -> bool:
    """Look after one project, whatever happens; says whether it is well.

    Args:
        loop: what it is looked after with.
        project_id: of the project; one that was deleted meanwhile is no fault.
        go_on: asked before each step.
    """
    try:
        return look_after(loop, project_id, go_on=go_on)
    except NotFound:
        return False
    except Exception as error:  # noqa: BLE001  one project's defect must not stop the others
        code = error.code if isinstance(error, IsocostError) else type(error).__name__
        _LOG.exception("look failed project_id=%s code=%s", project_id, code)
        _remember(loop, project_id, f"Looking after it failed ({code}): {error}")
        return False


def _remember(loop: Loop, project_id: str, fault: str) -> None:
    try:
        with loop.store.transaction(read_only=True) as tx:
            project = tx.project(project_id)
        store_fault(loop, project_id, fault, now=loop.now_of(project))
    except IsocostError as error:
        _LOG.warning("fault not stored project_id=%s code=%s", project_id, error.code)


def project_of_definition(store: Store, workspace: str, definition_id: str) -> str | None:
    """Return the id of the project that a definition was imported as; None if it was not."""
    with store.transaction(read_only=True) as tx:
        projects = tx.imported_projects(workspace)
    for project in projects:
        origin = project.origin
        if origin is not None and origin.definition_id == definition_id and not project.is_retired:
            return project.project_id
    return None
