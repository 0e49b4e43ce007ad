"""What every part of a simulated event log needs: lines with their place in time."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from isocost.simulator.run import Floats, Integers, SimulatedRun
from isocost.units import MS_PER_S


class Rank(IntEnum):
    """What comes first among events of one moment: ends before starts."""

    HEAD = 0
    TASK_END = 1
    EXECUTOR_REMOVED = 2
    STAGE_COMPLETED = 3
    SPARK_JOB_END = 4
    SQL_END = 5
    EXECUTOR_ADDED = 6
    SQL_START = 7
    SPARK_JOB_START = 8
    STAGE_SUBMITTED = 9
    TASK_START = 10
    APPLICATION_END = 11


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one rank; `at_s` has the shape (lines,)."""

    rank: Rank
    at_s: Floats
    texts: list[str]


def lines(rank: Rank, timed: Iterable[tuple[float, str]]) -> Lines:
    """Return lines of one rank from (time, text)."""
    pairs = list(timed)
    return Lines(rank, np.array([at_s for at_s, _ in pairs]), [text for _, text in pairs])


def event(name: str, **fields: Any) -> str:  # noqa: ANN401  whatever JSON can hold
    """Return one event as a line without its line break."""
    return compact({"Event": name, **fields})


def compact(value: Mapping[str, Any]) -> str:
    """Return JSON as Spark writes it: without spaces."""
    return json.dumps(value, separators=(",", ":"))


def epoch_ms(run: SimulatedRun, seconds: float) -> int:
    """Return a moment of the run in milliseconds since 1970."""
    return round((run.requested_at.timestamp() + seconds) * MS_PER_S)


def epoch_ms_array(run: SimulatedRun, seconds: Floats) -> Integers:
    """Return moments of the run in milliseconds since 1970."""
    moments: Integers = np.rint((run.requested_at.timestamp() + seconds) * MS_PER_S).astype(
        np.int64
    )
    return moments
