"""Items of the queue in; carried out by child processes, whatever becomes of server or workers.

procrastinate's own worker is not used: it ends, or goes on without a heartbeat, once the server
has been away, and its work would be done by others a second time. Its rows, functions and
heartbeats are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from isocost import clock
from isocost.clock import monotonic_s
from isocost.errors import Unavailable
from isocost.queue.base import MOST_ATTEMPTS, Handlers, Shift, WorkItem, pause_s
from isocost.queue.children import Child, Ending
from isocost.queue.postgres.calls import Calls, is_refused_by_row
from isocost.units import S_PER_DAY

Answer = TypeVar("Answer")

QUEUE: Final = "isocost"
# procrastinate's words for a row that nobody has begun, and for one in somebody's hands.
UNBEGUN: Final = "todo"
BEGUN: Final = "doing"

# What a worker that is to stop gives a server that is away, before its items are left to others.
_LAST_PATIENCE_S: Final = 5.0
# Rows of workers that ended without a word are of no use to anybody after that.
_FORGOTTEN_AFTER_S: Final = float(S_PER_DAY)
# Due in the past by any clock: whose clock is ahead of the server's would put it off.
_AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_RESCUING: Final = "SELECT pg_try_advisory_xact_lock((x'1505c057'::bigint << 32) + 2)"

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker does what, in seconds.

    Attributes:
        heartbeat_s: from one sign of life to the next, and from one look for the dead to the next.
        stalled_s: without a sign of life a worker is dead after that.
        poll_s: from one look at an empty queue to the next.
    """

    heartbeat_s: float
    stalled_s: float
    poll_s: float


# A dead worker's items are taken over within 20 + 5 s, and a minute is promised; four heartbeats
# may be lost before anybody is thought dead.
DEFAULT_PACE: Final = Pace(heartbeat_s=5.0, stalled_s=20.0, poll_s=0.5)


class Worker:
    """Takes items until told to stop; one for each process."""

    def __init__(
        self,
        calls: Calls,
        handlers: Handlers,
        shift: Shift,
        *,
        manager: JobManager,
        pace: Pace,
    ) -> None:
        self._calls = calls
        self._manager = manager
        self._handlers = handlers
        self._shift = shift
        self._pace = pace
        self._worker_id = 0
        self._alive_since_s = monotonic_s()
        self._last_beat_s = monotonic_s()
        self._empty_until_s = 0.0
        self._held: set[int | None] = set()
        self._taking = asyncio.Lock()

    async def run(self) -> None:
        """Work until the shift is over; give back what has not ended then."""
        await self._ask(lambda: self._manager.prune_stalled_workers(_FORGOTTEN_AFTER_S))
        self._worker_id = await self._ask(self._manager.register_worker)
        around = [asyncio.create_task(each()) for each in (self._live, self._rescue)]
        hands = [asyncio.create_task(self._work_to_end()) for _ in range(self._shift.concurrency)]
        try:
            await asyncio.gather(*hands)
        finally:
            for each in (*hands, *around):
                each.cancel()
            await asyncio.gather(*hands, *around, return_exceptions=True)
        with suppress(Unavailable):
            await self._ask(lambda: self._manager.unregister_worker(self._worker_id))

    async def _live(self) -> None:
        """Give signs of life; after a silence, be alive anew."""
        while True:
            await self._ask(lambda: self._manager.update_heartbeat(self._worker_id))
            now_s = monotonic_s()
            if self._is_silent(now_s):
                self._alive_since_s = now_s
            self._last_beat_s = now_s
            await asyncio.sleep(self._pace.heartbeat_s)

    async def _rescue(self) -> None:
        """Take the items of dead workers back into the queue, again and again."""
        while True:
            await asyncio.sleep(self._pace.heartbeat_s)
            await self._ask(self._take_back)

    def _is_silent(self, now_s: float) -> bool:
        """Whether we ourselves were not heard lately; as many others may not have been then."""
        return now_s - self._last_beat_s > self._pace.stalled_s / 2

    def _may_judge(self) -> bool:
        """Whether who has not been heard lately is dead.

        After an absence of the server everybody looks dead until they have been heard again. It is
        asked at the last moment, for a question may have waited for the server's return.
        """
        now_s = monotonic_s()
        is_heard_long = now_s - self._alive_since_s > self._pace.stalled_s
        return is_heard_long and not self._is_silent(now_s)

    async def _take_back(self) -> None:
        """Put back what dead workers hold, and what we were given in an answer that was lost."""
        async with self._taking:
            # As it was before the question: what ends meanwhile is still in the answer.
            held = set(self._held)
            ours = await self._manager.list_jobs_async(
                queue=QUEUE, status=BEGUN, worker_id=self._worker_id
            )
            for row in ours:
                if row.id not in held:
                    await self._put_back(row, _AT_ONCE)
        await self._take_over()

    async def _take_over(self) -> None:
        async with self._calls.transaction() as connection:
            found = await (await connection.execute(_RESCUING)).fetchone()
            if found is None or not found[0]:
                return  # somebody else is at it: two could put back what was just taken anew
            if not self._may_judge():
                return
            stalled = await self._manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=self._pace.stalled_s
            )
            for row in stalled:
                _LOG.warning(
                    "step=taken_over key=%s worker=%s", row.task_kwargs["key"], row.worker_id
                )
                await self._put_back(row, _AT_ONCE)

    async def _work_to_end(self) -> None:
        try:
            await self._work()
        except Unavailable as error:  # raised only once the shift is over
            _LOG.warning("step=left_to_others reason=%s", error)

    async def _work(self) -> None:
        child = Child(self._handlers)
        try:
            while not self._shift.stopping.is_set():
                row = await self._take()
                if row is not None:
                    await self._carry(child, row)
                    self._held.discard(row.id)
                elif self._shift.is_until_empty and await self._ask(self._is_empty):
                    return
                else:
                    await asyncio.sleep(self._pace.poll_s)
        finally:
            await asyncio.to_thread(child.close)

    async def _take(self) -> Job | None:
        async with self._taking:
            if monotonic_s() < self._empty_until_s:  # one hand looks for all
                return None
            row = await self._ask(
                lambda: self._manager.fetch_job([QUEUE], worker_id=self._worker_id)
            )
            if row is None:
                self._empty_until_s = monotonic_s() + self._pace.poll_s
            else:
                self._held.add(row.id)
            return row

    async def _is_empty(self) -> bool:
        for status in (UNBEGUN, BEGUN):
            if list(await self._manager.list_jobs_async(queue=QUEUE, status=status)):
                return False
        return True

    async def _carry(self, child: Child, row: Job) -> None:
        item = _item_of(row)
        began_s = monotonic_s()
        carrying = asyncio.create_task(asyncio.to_thread(child.carry, item))
        is_interrupted = not await self._ended_in_time(carrying)
        if is_interrupted:
            await asyncio.to_thread(child.interrupt)
        ending = await carrying
        took_s = monotonic_s() - began_s
        if is_interrupted and ending.failure is not None:
            _LOG.info("step=handed_back key=%s seconds=%.1f", item.key, took_s)
            await self._ask(lambda: self._put_back(row, _AT_ONCE))
        else:
            await self._conclude(row, ending, took_s)

    async def _ended_in_time(self, carrying: "asyncio.Task[Ending]") -> bool:
        """Wait for an item's end; not for longer than the grace once the shift is over."""
        grace_s = self._shift.grace_s
        while not self._shift.stopping.is_set():
            done, _ = await asyncio.wait({carrying}, timeout=self._pace.poll_s)
            if done:
                return True
        done, _ = await asyncio.wait({carrying}, timeout=grace_s)
        return bool(done)

    async def _conclude(self, row: Job, ending: Ending, took_s: float) -> None:
        key = row.task_kwargs["key"]
        if ending.failure is None:
            _LOG.info("step=carried key=%s seconds=%.1f", key, took_s)
            await self._ask(lambda: self._remove(row, Status.SUCCEEDED))
            return
        _LOG.warning(
            "step=failed key=%s attempt=%d reason=%s", key, row.attempts + 1, ending.failure
        )
        if row.attempts + 1 < MOST_ATTEMPTS:
            due_at = clock.now() + timedelta(seconds=pause_s(row.attempts))
            await self._ask(lambda: self._put_back(row, due_at))
        else:
            await self._ask(lambda: self._remove(row, Status.FAILED))

    async def _put_back(self, row: Job, due_at: datetime) -> None:
        await _unless_lost(self._manager.retry_job(row, retry_at=due_at))

    async def _remove(self, row: Job, status: Status) -> None:
        await _unless_lost(self._manager.finish_job(row, status, delete_job=True))

    async def _ask(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask for as long as it takes; once the shift is over, for a few seconds more."""
        while True:
            is_last = self._shift.stopping.is_set()
            try:
                return await self._calls.patiently(ask, patience_s=_LAST_PATIENCE_S)
            except Unavailable:
                if is_last:
                    raise


def _item_of(row: Job) -> WorkItem:
    return WorkItem(row.task_name, str(row.task_kwargs["key"]), str(row.task_kwargs["group"]))


async def _unless_lost(change: Awaitable[None]) -> None:
    """Change a row, unless another worker took us for dead and has it, or has ended it."""
    try:
        await change
    except ConnectorException as error:
        if not is_refused_by_row(error):
            raise
        _LOG.info("step=lost reason=%s", " ".join(str(error.__cause__).split()))
