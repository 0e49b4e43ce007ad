"""A CSV file of measured runs in, typed rows out: one run of a workload on one cluster each.

The schema is that of the grids in the measured data. Every file has the columns of `REQUIRED`; all
others may be missing or empty. Columns `input_NAME` other than `input_bytes` hold what else
changes between runs: features of the input, arguments of the program.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Final

from isocost.errors import InvalidInput, NotFound

REQUIRED: Final = ("workload", "instance_type", "node_count", "cores", "memory_gib", "status")
FEATURE_PREFIX: Final = "input_"


class RunStatus(StrEnum):
    """How a measured run ended; files may name other ways to fail, which count as `FAILED`."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One row.

    Attributes:
        program: what `workload` is an instance of, at some input size; the workload itself where
            the file does not say.
        cores, memory_gib: of all nodes together.
        runtime_s: None where the run did not end by itself; above 0 otherwise.
        usd_per_node_hour, cost_usd: None where the file does not say.
        input_bytes: None where it is not known; files write -1 for that.
        working_set_gib: memory that the workload keeps cached; 0 if it caches nothing.
        features: what else the file says of the input, by column without the prefix.
        repetition: from 1; 1 where the file does not say.
    """

    workload: str
    program: str
    instance_type: str
    node_count: int
    cores: int
    memory_gib: float
    status: RunStatus
    runtime_s: float | None
    usd_per_node_hour: float | None
    cost_usd: float | None
    input_bytes: int | None
    working_set_gib: float | None
    features: tuple[tuple[str, float], ...]
    repetition: int

    @property
    def has_succeeded(self) -> bool:
        """Whether the run came to its end."""
        return self.status is RunStatus.SUCCEEDED

    @property
    def cluster(self) -> tuple[str, int]:
        """What identifies the cluster within a grid: instance type and node count."""
        return self.instance_type, self.node_count


def read_grid(path: Path) -> tuple[MeasuredRun, ...]:
    """Return the rows of a file, in its order.

    Raises:
        NotFound: if there is no such file.
        InvalidInput: if a column is missing or a value is out of its range; names the line.
    """
    if not path.is_file():
        raise NotFound(f"No grid at {path}. Pass the CSV file of measured runs.")
    with path.open(encoding="utf-8", newline="") as file:
        return rows_from(csv.DictReader(file), origin=str(path))


def rows_from(lines: Iterable[Mapping[str, str]], *, origin: str) -> tuple[MeasuredRun, ...]:
    """Return the rows of a parsed file.

    Args:
        lines: column to text, one mapping a row.
        origin: what to call the file in a message.

    Raises:
        InvalidInput: if a column is missing or a value is out of its range.
    """
    found = []
    for number, line in enumerate(lines, start=2):  # line 1 has the names of the columns
        try:
            found.append(_row(line))
        except (KeyError, ValueError) as error:
            raise InvalidInput(
                f"{origin}, line {number}: {_complaint(error)}. Columns {', '.join(REQUIRED)} are "
                "needed, and a runtime above 0 s of every run that succeeded."
            ) from error
    return tuple(found)


def _row(line: Mapping[str, str]) -> MeasuredRun:
    status = RunStatus.SUCCEEDED if line["status"] == "succeeded" else RunStatus.FAILED
    runtime_s = _number(line, "runtime_s")
    if status is RunStatus.SUCCEEDED and not (runtime_s is not None and runtime_s > 0):
        raise ValueError(f"a run that succeeded with a runtime of {line.get('runtime_s')!r} s")
    input_bytes = _number(line, "input_bytes")
    return MeasuredRun(
        workload=line["workload"],
        program=line.get("program") or line["workload"],
        instance_type=line["instance_type"],
        node_count=_positive(line, "node_count"),
        cores=_positive(line, "cores"),
        memory_gib=float(line["memory_gib"]),
        status=status,
        runtime_s=runtime_s,
        usd_per_node_hour=_number(line, "usd_per_node_hour"),
        cost_usd=_number(line, "cost_usd"),
        input_bytes=int(input_bytes) if input_bytes is not None and input_bytes >= 0 else None,
        working_set_gib=_number(line, "working_set_gib"),
        features=_features(line),
        repetition=int(_number(line, "repetition") or 1),
    )


def _features(line: Mapping[str, str]) -> tuple[tuple[str, float], ...]:
    names = [name for name in line if name.startswith(FEATURE_PREFIX) and name != "input_bytes"]
    known = ((name, _number(line, name)) for name in names)
    return tuple(
        (name.removeprefix(FEATURE_PREFIX), value) for name, value in known if value is not None
    )


def _number(line: Mapping[str, str], column: str) -> float | None:
    text = line.get(column)
    if not text:
        return None
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{column} is {text}")
    return value


def _positive(line: Mapping[str, str], column: str) -> int:
    value = int(float(line[column]))
    if value < 1:
        raise ValueError(f"{column} is {line[column]}")
    return value


def _complaint(error: Exception) -> str:
    return f"no column {error}" if isinstance(error, KeyError) else str(error)
