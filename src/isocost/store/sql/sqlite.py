"""A file in, a Database over SQLite out; many processes may share it, one writes at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import ConnectionPoolEntry

from isocost.store.sql.database import beside_key
from isocost.store.sql.sqlite_faults import make_home, translated

_READ_ONLY: Final = "isocost_read_only"  # an execution option, which `begin` reads


class SqliteDatabase:
    """A SQLite file in WAL mode."""

    elsewhere: Final = "point ISOCOST_HOME to another directory"

    def __init__(self, path: Path, *, busy_timeout_s: float) -> None:
        """Make the file's directory; the file is made when it is first used.

        Raises:
            InvalidInput: if the directory cannot be made.
        """
        make_home(path.parent)
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._engine = _engine(path, busy_timeout_s)

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that holds the file's write lock."""
        with translated(self._path, self._busy_timeout_s), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that takes no lock."""
        with (
            translated(self._path, self._busy_timeout_s),
            self._engine.connect().execution_options(**{_READ_ONLY: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def upsert(self, table: SqlTable, columns: tuple[str, ...]) -> Executable:
        """Return SQLite's `INSERT … ON CONFLICT DO UPDATE`."""
        return _upsert(table, columns)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@cache
def _upsert(table: SqlTable, columns: tuple[str, ...]) -> Executable:
    statement = insert(table)
    updated = {name: statement.excluded[name] for name in beside_key(table, columns)}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=updated)


def _engine(path: Path, busy_timeout_s: float) -> Engine:
    # Built from its parts: in a text, "?", "%" and "#" of the path would be read as syntax.
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: ConnectionPoolEntry) -> None:  # noqa: ANN401  DBAPI's own type has no name
        # WAL lets a report read while an experiment writes. The driver's own BEGIN is switched
        # off because it starts late, as a reader; see `_begin`.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE takes the write lock first, so two read-then-write transactions queue up
        # instead of one failing at its first write. Who only reads takes no lock under WAL.
        is_reader = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine
