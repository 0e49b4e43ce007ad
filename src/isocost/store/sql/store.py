"""The store in a SQL database: an address in, transactions out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from isocost.errors import IsocostError
from isocost.store.address import PostgresAddress
from isocost.store.base import Transaction
from isocost.store.nesting import NoNesting
from isocost.store.sql.database import Database
from isocost.store.sql.migrate import is_at_head, migrate
from isocost.store.sql.sqlite import SqliteDatabase
from isocost.store.sql.transaction import transaction_over

# Longer than the longest write of one transaction (a large profile, tens of ms), short enough that
# a user does not take a locked database for a hang.
BUSY_TIMEOUT_S: Final = 30.0


class SqlStore:
    """Keeps every noun in a table; many processes may share the database."""

    def __init__(
        self, where: Path | PostgresAddress, *, busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> None:
        """Open the database, making or upgrading its schema.

        Args:
            where: a SQLite file, which is made where there is none, or a PostgreSQL database.
            busy_timeout_s: how long to wait for another process that writes.

        Raises:
            Busy: if the schema must change and another process is writing.
            InvalidInput: if it is no database, of a newer version or cannot be written.
            MissingDependency: if the driver for PostgreSQL is not installed.
            PlatformError: if the disk or the server fails.
        """
        self._database = _database(where, busy_timeout_s)
        self._lock = threading.Lock()
        self._nesting = NoNesting()
        try:
            self._upgrade()
        except IsocostError:
            self._database.close()
            raise

    def _upgrade(self) -> None:
        # A schema that is up to date needs no write lock, so opening waits for nobody.
        with self._database.reading() as connection:
            is_ready = is_at_head(connection, self._database)
        if not is_ready:
            # Of two processes that come here at once, the second waits for the first, looks
            # again at what is applied, and finds nothing to do.
            with self._database.writing() as connection:
                migrate(connection)

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """Open a transaction; see the port.

        Raises:
            Busy: if another process holds the database too long; never when only reading.
            InvalidInput: if the database or a row in it is damaged or cannot be written.
            PlatformError: if the disk or the server fails.
        """
        with self._nesting.entered():
            if read_only:
                with self._database.reading() as connection:
                    yield transaction_over(connection, self._database, read_only=True)
            else:
                with self._lock, self._database.writing() as connection:
                    yield transaction_over(connection, self._database, read_only=False)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


def _database(where: Path | PostgresAddress, busy_timeout_s: float) -> Database:
    if isinstance(where, Path):
        return SqliteDatabase(where, busy_timeout_s=busy_timeout_s)
    # Loaded only here: who keeps to SQLite needs no driver for PostgreSQL.
    from isocost.store.sql.postgres import PostgresDatabase

    return PostgresDatabase(where, busy_timeout_s=busy_timeout_s)
