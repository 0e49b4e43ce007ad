"""A database in; the same with procrastinate's tables, of the version that is installed, out.

procrastinate leaves upgrades to its user. So the names of its migrations that a database has had
are kept in a table beside its own, and the lacking ones are applied, as the store's are.
"""

from importlib.resources import files
from typing import Any, Final, LiteralString

import psycopg
from procrastinate.schema import SchemaManager

# A mark of ours in the upper half and "queue" in the lower; the transaction's end releases it.
LOCK: Final = "SELECT pg_advisory_xact_lock((x'1505c057'::bigint << 32) + 1)"
_FOLDER: Final = files("procrastinate") / "sql" / "migrations"
_APPLIED: Final = "isocost_queue_migrations"


async def is_up_to_date(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Return whether nothing is lacking; waits for nobody."""
    return await _lacking(connection) == []


async def bring_up_to_date(connection: psycopg.AsyncConnection[Any]) -> None:
    """Make the tables or apply what is lacking, in the caller's transaction, just begun.

    The connection has not looked for the tables yet: PostgreSQL remembers for each connection
    that there are none, and would not see those made while it waited for the lock.
    """
    await connection.execute(LOCK)
    lacking = await _lacking(connection)
    if lacking is None:
        await connection.execute(SchemaManager.get_schema())
        await connection.execute(f"CREATE TABLE {_APPLIED} (name text PRIMARY KEY)")
        lacking = _known()
    else:
        for name in lacking:
            await connection.execute(_text(name))
    await connection.cursor().executemany(
        f"INSERT INTO {_APPLIED} (name) VALUES (%s)",  # noqa: S608  a constant of ours
        [(name,) for name in lacking],
    )


async def _lacking(connection: psycopg.AsyncConnection[Any]) -> list[str] | None:
    """Return the migrations to be applied, in order; None where there are no tables at all."""
    found = await connection.execute("SELECT to_regclass(%s) IS NULL", (_APPLIED,))
    row = await found.fetchone()
    if row is None or row[0]:
        return None
    rows = await connection.execute(f"SELECT name FROM {_APPLIED}")  # noqa: S608  a constant
    applied = {name for (name,) in await rows.fetchall()}
    return [name for name in _known() if name not in applied]


def _known() -> list[str]:
    return sorted(each.name for each in _FOLDER.iterdir() if each.name.endswith(".sql"))


def _text(name: str) -> LiteralString:
    # The package's own statements, as good as if they stood here.
    return (_FOLDER / name).read_text(encoding="utf-8")
