"""SQL statements over system tables in, results as the Statement Execution API states them out.

DuckDB executes them: it knows names of three parts, structs, maps and arrays, which SQLite does
not. It comes with the extra `spark`; without it statements fail and say so.
"""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from isocost.simulator.workspace.access import Identity, Right
from isocost.simulator.workspace.dialect import CATALOG, NotReading, Translated, translate
from isocost.simulator.workspace.refusal import Refusal, not_found
from isocost.simulator.workspace.system_tables import TABLES
from isocost.simulator.workspace.values import Json, hex_id
from isocost.simulator.workspace.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The API cuts results into chunks; this many rows is small enough to meet a second one in tests.
CHUNK_ROWS: Final = 5_000
_RESULTS_KEPT: Final = 50
_TYPES: Final = {
    "VARCHAR": "STRING",
    "BIGINT": "LONG",
    "HUGEINT": "DECIMAL",
    "INTEGER": "INT",
    "DOUBLE": "DOUBLE",
    "FLOAT": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "INTERVAL": "INTERVAL",
}


@dataclass(slots=True)
class Statement:
    """One statement and what came of it.

    Attributes:
        error: code and message if it failed.
        columns: name and DuckDB's type.
        is_announced: whether somebody has been told already that it is over.
    """

    statement_id: str
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    is_truncated: bool = False
    error: tuple[str, str] | None = None
    is_announced: bool = True

    def view(self) -> Json:
        """Return it with its first chunk."""
        if not self.is_announced:
            self.is_announced = True
            return {"statement_id": self.statement_id, "status": {"state": "PENDING"}}
        if self.error is not None:
            code, message = self.error
            error = {"error_code": code, "message": message}
            return {
                "statement_id": self.statement_id,
                "status": {"state": "FAILED", "error": error},
            }
        return {
            "statement_id": self.statement_id,
            "status": {"state": "SUCCEEDED"},
            "manifest": self._manifest(),
            "result": self.chunk(0),
        }

    def chunk(self, number: int) -> Json:
        """Return a chunk of the rows; raises Refusal if there is none."""
        first = number * CHUNK_ROWS
        if number < 0 or (number > 0 and first >= len(self.rows)):
            raise Refusal(404, "NOT_FOUND", f"The chunk {number} of the result does not exist.")
        rows = self.rows[first : first + CHUNK_ROWS]
        view: Json = {
            "chunk_index": number,
            "row_offset": first,
            "row_count": len(rows),
            "data_array": rows,
        }
        if first + CHUNK_ROWS < len(self.rows):
            path = f"/api/2.0/sql/statements/{self.statement_id}/result/chunks/{number + 1}"
            view |= {"next_chunk_index": number + 1, "next_chunk_internal_link": path}
        return view

    def _manifest(self) -> Json:
        count = max(1, -(-len(self.rows) // CHUNK_ROWS))
        columns = [
            {"name": name, "position": n, "type_name": _type_name(kind), "type_text": kind}
            for n, (name, kind) in enumerate(self.columns)
        ]
        return {
            "format": "JSON_ARRAY",
            "schema": {"column_count": len(columns), "columns": columns},
            "total_chunk_count": count,
            "total_row_count": len(self.rows),
            "truncated": self.is_truncated,
        }


class Statements:
    """The last statements of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: OrderedDict[str, Statement] = OrderedDict()
        self._count = 0

    def execute(self, request: Json, identity: Identity) -> Statement:
        """Execute a statement at once; whoever does not want to wait is told so later."""
        self._count += 1
        name = hex_id(self._workspace.options.seed, "statement", self._count, length=16)
        made = Statement(f"01f0{name[:4]}-{name[4:8]}-1{name[8:11]}-8{name[11:14]}-{name:0<12.12}")
        made.is_announced = str(request.get("wait_timeout") or "10s") != "0s"
        try:
            self._carry_out(made, request, identity)
        except _Failed as failed:
            made.error = ("BAD_REQUEST", str(failed))
        self._kept[made.statement_id] = made
        while len(self._kept) > _RESULTS_KEPT:
            self._kept.popitem(last=False)
        return made

    def get(self, statement_id: str) -> Statement:
        """Return a statement; raises Refusal if there is none."""
        if statement_id not in self._kept:
            raise not_found(f"The statement {statement_id} was not found.")
        return self._kept[statement_id]

    def _carry_out(self, made: Statement, request: Json, identity: Identity) -> None:
        text = str(request.get("statement") or "")
        parameters = request.get("parameters") or []
        try:
            translated = translate(text, parameters, self._workspace.now)
        except NotReading as error:
            raise _Failed(
                "[PARSE_SYNTAX_ERROR] This simulated warehouse executes SELECT statements only. "
                "SQLSTATE: 42601"
            ) from error
        for table in sorted(translated.tables):
            if table not in TABLES:
                raise _Failed(
                    f"[TABLE_OR_VIEW_NOT_FOUND] The table or view `system`.`{table}` cannot be "
                    "found. SQLSTATE: 42P01"
                )
            if Right.READ_SYSTEM_TABLES in identity.denied:
                raise _Failed(
                    "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have "
                    f"permission SELECT on Table 'system.{table}'. SQLSTATE: 42501"
                )
        limit = int(request["row_limit"]) if request.get("row_limit") else None
        self._query(made, translated, limit)

    def _query(self, made: Statement, translated: Translated, limit: int | None) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise _Failed(
                "System tables of the simulated workspace need DuckDB, which is not installed "
                "where it runs. Run: pip install 'isocost[spark]'"
            ) from error
        with duckdb.connect(":memory:") as connection:
            try:
                self._fill(connection, translated.tables)
                found = _strings(connection, translated)
            except duckdb.Error as error:
                raise _Failed(f"[PARSE_SYNTAX_ERROR] {error} SQLSTATE: 42601") from error
        made.columns, rows = found
        made.is_truncated = limit is not None and len(rows) > limit
        made.rows = rows if limit is None else rows[:limit]

    def _fill(self, connection: "DuckDBPyConnection", names: frozenset[str]) -> None:
        """Make the tables that a statement names, up to what would have been written by now."""
        delay = timedelta(seconds=self._workspace.options.table_delay_s)
        until = self._workspace.now - delay
        connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
        for schema in ("billing", "compute", "lakeflow"):
            connection.execute(f"CREATE SCHEMA {CATALOG}.{schema}")
        for name in names:
            table = TABLES[name]
            structure = ", ".join(f'"{key}" {kind}' for key, kind in table.columns.items())
            rows = json.dumps(list(table.rows(self._workspace, until)))
            # One parameter for all rows: inserting them one by one takes a hundred times as long.
            given = f"SELECT unnest(CAST($1::JSON AS STRUCT({structure})[])) AS given"
            query = f"WITH rows AS (SELECT unnest(given) FROM ({given})) {table.query}"  # noqa: S608  of constants
            connection.execute(f"CREATE TABLE {CATALOG}.{name} AS {query}", [rows])
        connection.execute("SET enable_external_access = false")


def _strings(
    connection: "DuckDBPyConnection", translated: Translated
) -> tuple[list[tuple[str, str]], list[list[str | None]]]:
    """Return columns with types, and every value as the API writes it: a text or null."""
    parameters = translated.parameters or None
    described = connection.execute(f"DESCRIBE {translated.text}", parameters).fetchall()
    columns = [(str(row[0]), str(row[1])) for row in described]
    shown = ", ".join(_shown(f"c{n}", kind) for n, (_, kind) in enumerate(columns))
    names = ", ".join(f"c{n}" for n in range(len(columns)))
    query = f"SELECT {shown} FROM ({translated.text}) AS found({names})"  # noqa: S608  names of ours
    rows = connection.execute(query, parameters).fetchall()
    return columns, [list(row) for row in rows]


def _shown(name: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    if "[" in kind or kind.startswith(("STRUCT", "MAP")):
        return f"CAST(to_json({name}) AS VARCHAR)"
    return f"CAST({name} AS VARCHAR)"


def _type_name(kind: str) -> str:
    if kind.endswith("]"):
        return "ARRAY"
    head: Any = kind.partition("(")[0]
    return _TYPES.get(head, "STRING" if head == "UUID" else head.split(" ")[0])


class _Failed(Exception):
    """A statement that was taken, and then could not be executed."""
