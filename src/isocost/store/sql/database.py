"""What SqlStore asks of a database: transactions, errors of ours, and its way to replace a row.

SQLite and PostgreSQL each have a module that answers; everything else is the same SQL for both.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Executable
from sqlalchemy import Table as SqlTable


class Database(Protocol):
    """One database; safe to use from several threads.

    Both kinds of transaction commit on a clean exit, roll back on any other, and raise errors of
    ours, also for what is executed on the connection inside them.
    """

    @property
    def name(self) -> str:
        """Say which database this is, for messages; never with a password."""
        ...

    @property
    def elsewhere(self) -> str:
        """Say how to use another one, as the end of a sentence: "point … to …"."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads what is newest and keeps every other writer out.

        Raises:
            Busy: if another writer stays for too long.
            InvalidInput: if the database cannot be used as it is set.
            PlatformError: if the disk or the server fails.
        """
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that sees one moment, waits for nobody and holds nobody up.

        Raises:
            InvalidInput: if the database cannot be used as it is set.
            PlatformError: if the disk or the server fails.
        """
        ...

    def upsert(self, table: SqlTable, columns: tuple[str, ...]) -> Executable:
        """Return the statement that inserts a row, or replaces the one with its primary key.

        It takes the row's values by column. It is built once for each table and columns.
        """
        ...

    def close(self) -> None:
        """Release files and connections; closing twice is fine."""
        ...


def beside_key(table: SqlTable, columns: Sequence[str]) -> Sequence[str]:
    """Return the columns that replacing a row sets.

    The primary key stays as it is. Setting it to the same would cost as much as changing it:
    SQLite then looks through every table that refers to the row.
    """
    return [name for name in columns if name not in table.primary_key.columns]
