"""What is asked of PostgreSQL in; asked again while the server is away, and its refusals as ours.

Each call makes a connection of its own. A pool, once its server has been away, asks again after
pauses that double, and would notice its return half a minute late; to connect takes milliseconds,
and an item of work takes seconds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from isocost.clock import monotonic_s
from isocost.errors import InternalError, InvalidInput, MissingDependency, Unavailable

try:
    import psycopg
    from procrastinate import App, PsycopgConnector
    from procrastinate.exceptions import ConnectorException
    from procrastinate.manager import JobManager
    from psycopg_pool import AsyncNullConnectionPool
except ImportError as error:
    raise MissingDependency(
        "A queue on PostgreSQL needs procrastinate and psycopg, which are not installed. Run: pip "
        "install 'isocost[postgres]'"
    ) from error

Answer = TypeVar("Answer")

# A restart of the server, or the promotion of its standby, is over within a minute.
ABSENCE_S: Final = 60.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.0  # a server that is back is noticed that late
_CONNECTING_S: Final = 10
# A server whose machine vanished without a word is given up after 10 s when connecting, and when
# connected after 30 + 3 * 10 s, not after the operating system's two hours; where the address
# says otherwise, that holds.
_CONNECTING: Final = {
    "application_name": "isocost",
    "connect_timeout": str(_CONNECTING_S),
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html: connections broken (08), no room
# or memory (53), shut down or cancelled (57), disk (58): each passes, or is mended by somebody.
_PASSING: Final = ("08", "53", "57", "58")
_FORBIDDEN: Final = {"42501", "3F000", "25006"}

_LOG: Final = logging.getLogger(__name__)


class Calls:
    """PostgreSQL as procrastinate sees it; used in one event loop."""

    def __init__(self, conninfo: str, name: str) -> None:
        """Prepare; nothing is connected yet.

        Args:
            conninfo: libpq's words, password included.
            name: the same for messages, without it.

        Raises:
            InvalidInput: if libpq does not take the address.
        """
        self.name = name
        self._pool: AsyncNullConnectionPool[Any] = AsyncNullConnectionPool(
            _with_defaults(conninfo, name), open=False, max_size=0, timeout=_CONNECTING_S
        )
        self._app = App(connector=PsycopgConnector())
        self._is_away = False  # as the log was told

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[JobManager]:
        """Lend procrastinate's own calls for as long as the block lasts."""
        # procrastinate would wait for a first connection, and say no more than that none came.
        await self._pool.open(wait=False)
        try:
            await self._app.open_async(self._pool)
            yield self._app.job_manager
        finally:
            await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Open a connection that commits on a clean exit of the block and else leaves no trace."""
        async with self._pool.connection() as connection:
            yield connection

    async def patiently(
        self, ask: Callable[[], Awaitable[Answer]], *, patience_s: float
    ) -> Answer:
        """Ask, and ask again for as long as the server is away; asking twice must do no harm.

        Raises:
            Unavailable: if it stays away for longer.
            InvalidInput: if a permission is lacking.
            InternalError: for whatever else PostgreSQL refused.
        """
        deadline_s = monotonic_s() + patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                answer = await ask()
            except (psycopg.Error, ConnectorException) as error:
                fault = _cause(error)
                if not is_passing(fault):
                    raise self._refusal(fault) from error
                self._tell_away(fault)
                if monotonic_s() + pause_s > deadline_s:
                    raise self._absence(fault) from error
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self._tell_back()
                return answer

    def _tell_away(self, fault: BaseException) -> None:
        if not self._is_away:
            _LOG.warning("step=waiting database=%s reason=%s", self.name, _words(fault))
        self._is_away = True

    def _tell_back(self) -> None:
        if self._is_away:
            _LOG.info("step=resumed database=%s", self.name)
        self._is_away = False

    def _absence(self, fault: BaseException) -> Unavailable:
        return Unavailable(
            f"PostgreSQL at {self.name} cannot be reached or has no room: {_words(fault)}. See "
            "that the server runs and its disk is not full, then repeat the command; what was "
            "stored is kept."
        )

    def _refusal(self, fault: BaseException) -> InvalidInput | InternalError:
        if _code(fault) in _FORBIDDEN:
            return InvalidInput(
                f"{self.name} does not let us do that: {_words(fault)}. Give the user the right "
                "to make and change tables in its schema, and name a server that can be written."
            )
        return InternalError(
            f"{self.name}: PostgreSQL refused: {_words(fault)}. Please report this."
        )


def is_passing(fault: BaseException) -> bool:
    """Return whether asking again later may help."""
    code = _code(fault)
    if code is None:  # whatever the server says to a statement has a code; this is the way to it
        return isinstance(fault, psycopg.OperationalError)
    return code.startswith(_PASSING)


def is_refused_by_row(fault: BaseException) -> bool:
    """Return whether one of procrastinate's functions found its row in other hands."""
    return _code(_cause(fault)) == psycopg.errors.RaiseException.sqlstate


def _with_defaults(conninfo: str, name: str) -> str:
    try:
        given = psycopg.conninfo.conninfo_to_dict(conninfo)
        words = {**_CONNECTING, **{word: str(value) for word, value in given.items()}}
        return psycopg.conninfo.make_conninfo(**words)
    except psycopg.ProgrammingError as error:
        # libpq's message may quote a piece of the password, so it is not handed on.
        del error
        raise InvalidInput(
            f"PostgreSQL's driver does not take the address {name}: a parameter after its "
            '"?" is unknown, or a sign is escaped wrongly. Correct ISOCOST_STORAGE_DATABASE.'
        ) from None


def _cause(error: BaseException) -> BaseException:
    """Return what PostgreSQL's driver raised, which procrastinate wraps."""
    is_wrapped = isinstance(error, ConnectorException) and error.__cause__ is not None
    return error.__cause__ if is_wrapped and error.__cause__ is not None else error


def _code(fault: BaseException) -> str | None:
    code: str | None = getattr(fault, "sqlstate", None)
    return code


def _words(fault: BaseException) -> str:
    """Return what was said, in one line and without the full stop."""
    return " ".join(str(fault).split()).rstrip(".")
