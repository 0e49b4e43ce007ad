"""A statement as Databricks SQL in, the same for DuckDB out.

Only what reading system tables takes: names of three parts, back quotes, strings in double quotes,
`:name` parameters, and the workspace's own time for "now". Functions that the two do not share are
not translated.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

# DuckDB keeps the name `system` to itself.
CATALOG: Final = "system_tables"
_TOKEN: Final = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|''|\\.)*')
  | (?P<double>"(?:[^"\\]|\\.)*")
  | (?P<table>(?<![\w.`])`?system`?\s*\.\s*`?(?P<schema>\w+)`?\s*\.\s*`?(?P<name>\w+)`?)
  | (?P<quoted>`[^`]+`)
  | (?P<parameter>(?<!:):(?P<parameter_name>[A-Za-z_]\w*))
  | (?P<now>\b(?:current_timestamp|current_date|now)\b(?:\s*\(\s*\))?)
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_READS: Final = re.compile(
    r"^\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(select|with|values|\()", re.I | re.S
)
_INTEGERS: Final = {"INT", "INTEGER", "BIGINT", "LONG", "SMALLINT", "TINYINT"}


class NotReading(Exception):
    """A statement that does something other than to read."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A statement for DuckDB.

    Attributes:
        tables: `schema.name` of the system tables that it names.
        parameters: that it refers to, by name.
    """

    text: str
    tables: frozenset[str]
    parameters: dict[str, Any]


def translate(
    statement: str, parameters: Iterable[Mapping[str, Any]], now: datetime
) -> Translated:
    """Return the statement for DuckDB.

    Raises:
        NotReading: the statement would write, or is none.
    """
    if not _READS.match(statement):
        raise NotReading(statement)
    kinds = {str(p["name"]): str(p.get("type") or "STRING").upper() for p in parameters}
    values = {str(p["name"]): _value(p) for p in parameters}
    tables: set[str] = set()
    used: dict[str, Any] = {}

    def put(found: re.Match[str]) -> str:
        text = found.group()
        match found.lastgroup:
            case "double":
                return "'" + text[1:-1].replace("'", "''") + "'"
            case "quoted":
                return f'"{text[1:-1]}"'
            case "now":
                is_day = "date" in text.lower()
                return f"DATE '{now:%F}'" if is_day else f"TIMESTAMP '{now:%F %T}'"
        if found["parameter"] and found["parameter_name"] in values:
            name = found["parameter_name"]
            used[name] = values[name]
            return f"CAST(${name} AS {_duck_type(kinds[name])})"
        if found["table"]:
            table = f"{found['schema']}.{found['name']}".lower()
            tables.add(table)
            return f"{CATALOG}.{table}"
        return text

    text = _TOKEN.sub(put, statement.rstrip().rstrip(";"))
    return Translated(text, frozenset(tables), used)


def _value(parameter: Mapping[str, Any]) -> Any:  # noqa: ANN401  whatever JSON holds
    value = parameter.get("value")
    is_whole = str(parameter.get("type") or "").upper() in _INTEGERS
    return int(value) if is_whole and value is not None else value


def _duck_type(kind: str) -> str:
    return {"STRING": "VARCHAR", "LONG": "BIGINT"}.get(kind, kind)
