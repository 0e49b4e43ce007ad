"""The queue on PostgreSQL: procrastinate's rows, one for each item that is not over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from isocost.queue.base import Backlog, Handlers, Shift, WorkItem
from isocost.queue.postgres.calls import ABSENCE_S, Calls
from isocost.queue.postgres.schema import LOCK, bring_up_to_date, is_up_to_date
from isocost.queue.postgres.worker import BEGUN, DEFAULT_PACE, QUEUE, UNBEGUN, Pace, Worker

Answer = TypeVar("Answer")

_OPEN: Final = (
    "SELECT lock FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing') "
    "AND lock = ANY(%s)"
)
_COUNTED: Final = (
    "SELECT status::text, count(*) FROM procrastinate_jobs WHERE queue_name = %s "
    "AND args ->> 'group' = %s AND status IN ('todo', 'doing') GROUP BY status"
)
_WITHDRAWN: Final = (
    "DELETE FROM procrastinate_jobs WHERE queue_name = %s AND args ->> 'group' = %s "
    "AND status = 'todo'"
)


class PostgresQueue:
    """Work shared by machines; its rows lie beside the store's, in the same database."""

    def __init__(
        self,
        conninfo: str,
        *,
        name: str,
        pace: Pace = DEFAULT_PACE,
        absence_s: float = ABSENCE_S,
    ) -> None:
        """Prepare; each call connects.

        Args:
            conninfo: where the database is, password included.
            name: the same for messages, without it.
            pace: how often workers look around.
            absence_s: how long a call waits for a server that is gone; workers wait for ever.

        Raises:
            InvalidInput: if libpq does not take the address.
        """
        self._conninfo = conninfo
        self._name = name
        self._pace = pace
        self._absence_s = absence_s
        self._is_ready = False
        Calls(conninfo, name)  # which checks the address

    def put(self, items: Sequence[WorkItem]) -> int:
        """Add items; see the port."""
        rows = {lock_of(item): _row(item) for item in items}

        async def add(calls: Calls, manager: JobManager) -> int:
            async with calls.transaction() as connection:
                await connection.execute(LOCK)  # of two that put in the same, one comes second
                found = await connection.execute(_OPEN, (QUEUE, list(rows)))
                known = {lock for (lock,) in await found.fetchall()}
                new = [row for lock, row in rows.items() if lock not in known]
                if new:
                    await manager.batch_defer_jobs_async(new, connection=connection)
                return len(new)

        return self._ask(add)

    def withdraw(self, group: str) -> int:
        """Take out what nobody has begun; see the port."""

        async def remove(calls: Calls, _: JobManager) -> int:
            async with calls.transaction() as connection:
                return (await connection.execute(_WITHDRAWN, (QUEUE, group))).rowcount

        return self._ask(remove)

    def backlog(self, group: str) -> Backlog:
        """Return how much is left; see the port."""

        async def count(calls: Calls, _: JobManager) -> Backlog:
            async with calls.transaction() as connection:
                found = await connection.execute(_COUNTED, (QUEUE, group))
                counts = dict(await found.fetchall())
            return Backlog(counts.get(UNBEGUN, 0), counts.get(BEGUN, 0))

        return self._ask(count)

    def work(self, handlers: Handlers, shift: Shift) -> None:
        """Carry out items; see the port.

        A server that goes away is waited for, however long it takes.
        """
        calls = Calls(self._conninfo, self._name)

        async def run() -> None:
            async with calls.opened() as manager:
                await self._prepare(calls)
                await Worker(calls, handlers, shift, manager=manager, pace=self._pace).run()

        asyncio.run(run())

    def close(self) -> None:
        """Nothing is held: each call has a connection of its own."""

    def _ask(self, ask: Callable[[Calls, JobManager], Awaitable[Answer]]) -> Answer:
        calls = Calls(self._conninfo, self._name)

        async def run() -> Answer:
            async with calls.opened() as manager:
                await self._prepare(calls)
                return await calls.patiently(
                    lambda: ask(calls, manager), patience_s=self._absence_s
                )

        return asyncio.run(run())

    async def _prepare(self, calls: Calls) -> None:
        if self._is_ready:
            return

        async def prepare() -> None:
            async with calls.transaction() as connection:
                is_ready = await is_up_to_date(connection)
            if not is_ready:
                async with calls.transaction() as connection:
                    await bring_up_to_date(connection)

        await calls.patiently(prepare, patience_s=self._absence_s)
        self._is_ready = True


def lock_of(item: WorkItem) -> str:
    """Return what keeps two rows of the same item apart."""
    return f"{item.kind}:{item.key}"


def _row(item: WorkItem) -> Job:
    lock = lock_of(item)
    return Job(
        id=None,
        queue=QUEUE,
        task_name=item.kind,
        lock=lock,
        queueing_lock=lock,
        task_kwargs={"key": item.key, "group": item.group},
    )
