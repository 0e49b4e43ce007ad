"""One line of a measured grid's CSV file in; a checked row, or an error naming the line, out."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from isocost.errors import InvalidInput
from isocost.units import S_PER_HOUR

REQUIRED: Final = (
    "workload",
    "instance_type",
    "node_count",
    "cores",
    "memory_gib",
    "usd_per_node_hour",
    "runtime_s",
    "status",
)
SUCCEEDED: Final = "succeeded"
STOPPED: Final = frozenset({"timed_out", "timeout"})
# A year: no Spark application runs for longer, and the sum of many such runs is still a date.
LONGEST_RUNTIME_S: Final = 365 * 24 * S_PER_HOUR
_INPUT: Final = "input_"
_INPUT_BYTES: Final = "input_bytes"


@dataclass(frozen=True, slots=True)
class GridRow:
    """One measured run as its line says it.

    Attributes:
        where: file and line, for messages.
        cores, memory_gib: of one node.
        usd_per_node_hour: None where the file does not say.
        runtime_s: None where it is blank, which only a failed run's may be.
        input: whatever else the line says of its input, by column.
    """

    where: str
    workload: str
    program: str
    instance_type: str
    node_count: int
    cores: int
    memory_gib: float
    usd_per_node_hour: float | None
    runtime_s: float | None
    status: str
    input_bytes: float | None
    working_set_gib: float | None
    input: tuple[tuple[str, str], ...]


def row_from(cells: Mapping[str, str], path: Path, line: int) -> GridRow:
    """Return the row; raises InvalidInput, naming line and column, if a cell makes no sense."""
    return _Line(cells, f"{path}, line {line}").row()


class _Line:
    """Reads the cells of one line, each with its own complaint."""

    def __init__(self, cells: Mapping[str, str], where: str) -> None:
        self._cells = cells
        self._where = where

    def row(self) -> GridRow:
        nodes = self._count("node_count")
        status = self._text("status").lower()
        return GridRow(
            where=self._where,
            workload=self._text("workload"),
            program=self._cells.get("program") or self._text("workload"),
            instance_type=self._text("instance_type"),
            node_count=nodes,
            cores=self._cores_each(nodes),
            memory_gib=self._positive("memory_gib") / nodes,
            usd_per_node_hour=self._positive_or_blank("usd_per_node_hour"),
            runtime_s=self._runtime_s(status),
            status=status,
            input_bytes=self._known(_INPUT_BYTES),
            working_set_gib=self._known("working_set_gib"),
            input=self._input(),
        )

    def _text(self, column: str) -> str:
        text = self._cells.get(column, "")
        if not text:
            raise self._fault(column, "is blank", "Fill it in.")
        return text

    def _number(self, column: str) -> float:
        text = self._text(column)
        try:
            number = float(text)
        except ValueError as error:
            raise self._fault(column, f"is {text!r}, no number", "Correct it.") from error
        if not isfinite(number):
            raise self._fault(column, f"is {text!r}", "Write a finite number.")
        return number

    def _positive(self, column: str) -> float:
        number = self._number(column)
        if number <= 0:
            raise self._fault(column, f"is {number:g}", "It has to be above 0.")
        return number

    def _positive_or_blank(self, column: str) -> float | None:
        return self._positive(column) if self._cells.get(column) else None

    def _known(self, column: str) -> float | None:
        """Return a quantity that may be blank or, as some data sets write it, -1 if unknown."""
        if not self._cells.get(column):
            return None
        number = self._number(column)
        return number if number >= 0 else None

    def _count(self, column: str) -> int:
        number = self._positive(column)
        if number != int(number):
            raise self._fault(column, f"is {number:g}", "It has to be a whole number.")
        return int(number)

    def _cores_each(self, nodes: int) -> int:
        cores = self._count("cores")
        if cores % nodes:
            raise self._fault(
                "cores", f"is {cores}", f"It counts all {nodes} nodes, which are equal."
            )
        return cores // nodes

    def _runtime_s(self, status: str) -> float | None:
        if status != SUCCEEDED and not self._cells.get("runtime_s"):
            return None
        runtime_s = self._positive("runtime_s")
        if runtime_s > LONGEST_RUNTIME_S:
            remedy = f"It is in seconds, and at most {LONGEST_RUNTIME_S}, a year."
            raise self._fault("runtime_s", f"is {runtime_s:g}", remedy)
        return runtime_s

    def _input(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (column, text)
            for column, text in self._cells.items()
            if column.startswith(_INPUT) and column != _INPUT_BYTES and text
        )

    def _fault(self, column: str, what: str, remedy: str) -> InvalidInput:
        return InvalidInput(f"{self._where}: column {column!r} {what}. {remedy}")
