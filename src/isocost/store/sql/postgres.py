"""An address in, a Database over PostgreSQL out: shared by processes on many machines.

Writers queue up at one advisory lock for each schema, as they do at SQLite's write lock. The
alternative, SERIALIZABLE with retries, would have to run the caller's block a second time, and the
port hands out a `with` block, which cannot be run twice. The price is one writer at a time; a
transaction here takes milliseconds, and readers are never held up.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Final

from sqlalchemy import Connection, Engine, Executable, create_engine
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from isocost.clock import monotonic_s
from isocost.errors import InvalidInput, MissingDependency
from isocost.store.address import PostgresAddress
from isocost.store.sql.database import beside_key
from isocost.store.sql.postgres_faults import is_absence, translated
from isocost.units import MS_PER_S

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise MissingDependency(
        "A PostgreSQL database needs psycopg, which is not installed. Run: pip install "
        "'isocost[postgres]'"
    ) from error

# A restart of the server, or the promotion of its standby, is over within a minute.
ABSENCE_S: Final = 60.0
# Who has just started is told soon of a server that is not there; a server that starts beside us,
# as in a compose file, needs two or three seconds.
ABSENCE_AT_OPENING_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0  # a server that is back is noticed that late

# Of one process. Its writers queue up before they connect, so these are nine readers at once; a
# server takes 100 connections by default.
MOST_CONNECTIONS: Final = 10
_KEPT: Final = 5

# Told to libpq where the address does not say otherwise: a server whose machine vanished without a
# word is given up after 10 s when connecting and after 30 + 3 * 10 s when connected, not after the
# operating system's two hours.
_CONNECTING: Final[Mapping[str, str]] = {
    "application_name": "isocost",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}

# READ COMMITTED, so that each statement after the lock sees what its last holder committed: a
# snapshot for the whole transaction would be taken by the very statement that waits for the lock.
# The lock's number is a mark of ours in the upper half and the schema's in the lower: stores in
# other schemas of the same database have locks of their own. The transaction's end releases it.
_BEGIN_WRITING: Final = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "
    "SET LOCAL lock_timeout = {wait_ms}; "
    "SELECT pg_advisory_xact_lock((x'1505c057'::bigint << 32) + s.oid::bigint) "
    "FROM pg_namespace s WHERE s.nspname = current_schema()"
)
# One snapshot for all statements; under MVCC it takes no lock that a writer would wait for.
_BEGIN_READING: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresDatabase:
    """A PostgreSQL database, or a schema in it if the address sets `search_path`."""

    elsewhere: Final = "let ISOCOST_STORAGE_DATABASE name another database"

    def __init__(
        self, address: PostgresAddress, *, busy_timeout_s: float, absence_s: float = ABSENCE_S
    ) -> None:
        """Prepare; the first transaction connects.

        Args:
            address: where the database is.
            busy_timeout_s: how long to wait for another writer, or for a free connection.
            absence_s: how long a transaction waits for a server that is gone, before it began;
                the very first one waits at most `ABSENCE_AT_OPENING_S`.

        Raises:
            InvalidInput: if libpq does not take the address.
        """
        self._address = address
        self._busy_timeout_s = busy_timeout_s
        self._absence_s = absence_s
        self._was_reached = False
        self._engine = _engine(_connection_words(address), busy_timeout_s)
        # 0 would mean to wait for ever.
        wait_ms = max(1, round(busy_timeout_s * MS_PER_S))
        self._begin_writing = _BEGIN_WRITING.format(wait_ms=wait_ms)

    @property
    def name(self) -> str:
        """The address without the password."""
        return str(self._address)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that holds the schema's advisory lock."""
        with self._translated(), self._begun(self._begin_writing) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction on a snapshot."""
        with self._translated(), self._begun(_BEGIN_READING) as connection:
            yield connection

    def upsert(self, table: SqlTable, columns: tuple[str, ...]) -> Executable:
        """Return PostgreSQL's `INSERT … ON CONFLICT DO UPDATE`."""
        return _upsert(table, columns)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with translated(self.name, self._busy_timeout_s):
            yield

    @contextmanager
    def _begun(self, statement: str) -> Iterator[Connection]:
        with self._patiently(statement) as connection:  # which rolls back what is not committed
            yield connection
            connection.commit()

    def _patiently(self, statement: str) -> Connection:
        """Return a connection with a transaction begun; wait for a server that is gone.

        Trying again is safe up to here and no further, because nothing was asked or written yet.
        """
        patience_s = self._absence_s if self._was_reached else ABSENCE_AT_OPENING_S
        deadline_s = monotonic_s() + min(patience_s, self._absence_s)
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                connection = self._begin(statement)
            except DBAPIError as error:
                if not is_absence(error) or monotonic_s() + pause_s > deadline_s:
                    raise
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self._was_reached = True
                return connection

    def _begin(self, statement: str) -> Connection:
        connection = self._engine.connect()
        try:
            # Without parameters the driver sends several statements in one message.
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        except BaseException:
            connection.close()
            raise
        return connection


@cache
def _upsert(table: SqlTable, columns: tuple[str, ...]) -> Executable:
    statement = insert(table)
    updated = {name: statement.excluded[name] for name in beside_key(table, columns)}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=updated)


def _connection_words(address: PostgresAddress) -> dict[str, str]:
    """Return what libpq makes of the address, with our defaults beneath."""
    try:
        given = conninfo_to_dict(address.url)
    except psycopg.ProgrammingError as error:
        # libpq's message may quote a piece of the password, so it is not handed on.
        del error
        raise InvalidInput(
            f"PostgreSQL's driver does not take the address {address}: a parameter after its "
            '"?" is unknown, or a sign is escaped wrongly. Correct ISOCOST_STORAGE_DATABASE.'
        ) from None
    return {**_CONNECTING, **{word: str(value) for word, value in given.items()}}


def _engine(words: Mapping[str, str], busy_timeout_s: float) -> Engine:
    # The driver gets the address past SQLAlchemy, whose own URL knows less (several hosts, service
    # files) and would carry the password into its messages. Pre-ping finds the connections that a
    # restarted server has dropped.
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**words),  # type: ignore[arg-type]
        pool_pre_ping=True,
        pool_size=_KEPT,
        max_overflow=MOST_CONNECTIONS - _KEPT,
        pool_timeout=busy_timeout_s,
        hide_parameters=True,
    )
