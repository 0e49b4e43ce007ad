"""A connection in; values out of the bodies of rows, and back into them."""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    Select,
    delete,
    func,
    select,
)
from sqlalchemy import Table as SqlTable

from isocost.domain.change import Change
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.errors import InvalidInput
from isocost.store.lookup import not_found
from isocost.store.nesting import write_refused
from isocost.store.sql.database import Database
from isocost.store.sql.statements import bodies_by

Value = TypeVar("Value")

# SQLite takes 32,766 parameters in one statement, PostgreSQL 65,535.
_MOST_IDS: Final = 10_000
# Those of one project's history for each of two workers; about 0.3 MB each.
_PROFILES_KEPT: Final = 128
_KEYS_SHOWN: Final = 1000  # enough to find a near miss in; an error message needs no full scan
_NOUNS: Final[dict[type, str]] = {
    Workspace: "workspace",
    Project: "project",
    Execution: "execution",
    Change: "change",
    Recommendation: "recommendation",
    Run: "run",
    RunProfile: "profile of run",
    Experiment: "experiment",
    Trial: "trial",
}


@lru_cache(maxsize=_PROFILES_KEPT)
def _profile_of(body: bytes) -> RunProfile:
    """Decode a profile; one that was just decoded for an earlier step is not decoded again."""
    return msgspec.json.decode(body, type=RunProfile)


class Rows:
    """Reads and writes single rows and lists of them, in one open transaction."""

    def __init__(self, connection: Connection, database: Database, *, read_only: bool) -> None:
        self._connection = connection
        self._database = database
        self._is_read_only = read_only

    def _put(self, table: SqlTable, value: object, **columns: object) -> None:
        if self._is_read_only:
            raise write_refused(type(value).__name__)
        row = {**columns, "body": msgspec.json.encode(value)}
        self._connection.execute(self._database.upsert(table, tuple(row)), row)

    def _remove(self, table: SqlTable, is_meant: ColumnElement[bool]) -> None:
        if self._is_read_only:
            raise write_refused("removal")
        self._connection.execute(delete(table).where(is_meant))

    def _newest(
        self,
        query: Any,  # noqa: ANN401  Select is generic in its row
        order: Sequence[Column[Any]],
        *,
        count: int | None,
        noun: type[Value],
    ) -> list[Value]:
        """Return what is found in order; of that the last `count`, if it is given."""
        if count is None:
            return self._all(query.order_by(*order), noun)
        newest_first = query.order_by(*(column.desc() for column in order)).limit(count)
        return self._all(newest_first, noun)[::-1]

    def _get(self, key: Column[str], wanted: str, noun: type[Value]) -> Value:
        body = key.table.c.body
        found = self._connection.execute(select(body).where(key == wanted)).scalar_one_or_none()
        if found is None:
            raise not_found(_NOUNS[noun], wanted, self._keys(key))
        return self._decoded(found, noun)

    def _by_key(
        self, key: Column[str], wanted: Collection[str], noun: type[Value]
    ) -> dict[str, Value]:
        return self._by_id(bodies_by(key), wanted, noun)

    def _by_id(
        self, statement: Select[tuple[str, bytes]], ids: Collection[str], noun: type[Value]
    ) -> dict[str, Value]:
        """Return the values of a statement's rows of (id, body)."""
        return {each: self._decoded(body, noun) for each, body in self._asked(statement, ids)}

    def _asked(self, statement: Executable, ids: Collection[str]) -> Iterator[Any]:
        """Ask a statement that takes `ids`, as many at a time as one takes."""
        different = list(dict.fromkeys(ids))
        for begin in range(0, len(different), _MOST_IDS):
            some = different[begin : begin + _MOST_IDS]
            yield from self._connection.execute(statement, {"ids": some})

    def _count(self, is_meant: ColumnElement[bool]) -> int:
        return self._connection.execute(select(func.count()).where(is_meant)).scalar_one()

    def _keys(self, key: Column[str]) -> list[str]:
        return [row[0] for row in self._connection.execute(select(key).limit(_KEYS_SHOWN))]

    def _all(self, query: Any, noun: type[Value]) -> list[Value]:  # noqa: ANN401  Select is generic in its row
        return [self._decoded(row[0], noun) for row in self._connection.execute(query)]

    def _decoded(self, body: bytes, noun: type[Value]) -> Value:
        try:
            if noun is RunProfile:
                return cast("Value", _profile_of(body))
            return msgspec.json.decode(body, type=noun)
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidInput) as error:
            # InvalidInput is what our values raise when they check themselves.
            raise InvalidInput(
                f"A {noun.__name__} stored in {self._database.name} cannot be read: {error}. It "
                "is damaged or was written by another version of Isocost. Use that version, put a "
                f"good copy in its place, or {self._database.elsewhere}."
            ) from error
