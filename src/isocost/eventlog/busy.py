"""Spark tasks' starts and ends in, how many ran at any time out, in bounded memory.

Time is cut into bins whose width doubles when they run out. Each bin keeps by how much the tasks
that start or end in it raise or lower its busy time, and how many start and end: so the busy time
up to any bin's edge stays exact, and is interpolated only within a bin.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

BIN_COUNT: Final = 16_384

Ints = NDArray[np.int64]


class BusyTime:
    """The spark tasks that ran, summed up over time; times in milliseconds."""

    def __init__(self) -> None:
        self._width_ms = 1
        self._first_bin = 0
        self._edge_ms: Ints = np.zeros(BIN_COUNT, dtype=np.int64)
        self._step: Ints = np.zeros(BIN_COUNT, dtype=np.int64)
        self._low_ms: int | None = None
        self._high_ms = 0

    def add(self, launches_ms: Ints, finishes_ms: Ints) -> None:
        """Add spark tasks, shape (tasks,), at least one; none finishes before its launch."""
        self._fit(int(launches_ms.min()), int(finishes_ms.max()))
        self._count(launches_ms, 1)
        self._count(finishes_ms, -1)

    def until_ms(self, times_ms: Sequence[float]) -> NDArray[np.float64]:
        """Return the tasks' summed running time before each of `times_ms`, shape (times,)."""
        running = np.cumsum(self._step) - self._step
        per_bin = self._edge_ms + running * self._width_ms
        cumulative = np.concatenate([[0], np.cumsum(per_bin)])
        edges = (self._first_bin + np.arange(BIN_COUNT + 1)) * self._width_ms
        times: NDArray[np.float64] = np.interp(times_ms, edges, cumulative)
        return times

    def _count(self, times_ms: Ints, sign: int) -> None:
        bins = times_ms // self._width_ms
        rest_ms = (bins + 1) * self._width_ms - times_ms
        bins -= self._first_bin
        np.add.at(self._edge_ms, bins, sign * rest_ms)
        np.add.at(self._step, bins, sign)

    def _fit(self, low_ms: int, high_ms: int) -> None:
        """Widen and move the bins until they hold everything so far and these times."""
        low_ms = low_ms if self._low_ms is None else min(low_ms, self._low_ms)
        high_ms = max(high_ms, self._high_ms)
        if (low_ms, high_ms) == (self._low_ms, self._high_ms):
            return
        is_first = self._low_ms is None
        self._low_ms, self._high_ms = low_ms, high_ms
        while high_ms // self._width_ms - low_ms // self._width_ms >= BIN_COUNT:
            self._double()
        wanted_bin = low_ms // self._width_ms
        if is_first:
            self._first_bin = wanted_bin
        elif wanted_bin != self._first_bin:
            self._move_to(wanted_bin)

    def _double(self) -> None:
        # A wide bin begins at an even one, so an odd beginning needs an empty bin before it.
        before = self._first_bin % 2
        edge = np.pad(self._edge_ms, (before, before)).reshape(-1, 2)
        step = np.pad(self._step, (before, before)).reshape(-1, 2)
        empty = (0, BIN_COUNT - len(edge))
        self._edge_ms = np.pad(edge.sum(axis=1) + step[:, 0] * self._width_ms, empty)
        self._step = np.pad(step.sum(axis=1), empty)
        self._width_ms *= 2
        self._first_bin //= 2

    def _move_to(self, first_bin: int) -> None:
        """Let the bins begin at `first_bin`; what falls off holds nothing."""
        shift = self._first_bin - first_bin
        self._edge_ms = _shifted(self._edge_ms, shift)
        self._step = _shifted(self._step, shift)
        self._first_bin = first_bin


def _shifted(values: Ints, by: int) -> Ints:
    moved = np.zeros_like(values)
    if 0 <= by < len(values):
        moved[by:] = values[: len(values) - by]
    elif -len(values) < by < 0:
        moved[:by] = values[-by:]
    return moved
