"""Spark task durations in, one at a time by the thousand; their distribution out.

Memory is bounded: up to `SAMPLE_SIZE` durations everything is exact, beyond it count, sum,
shortest and longest stay exact and the rest comes from an even sample.
"""

from array import array
from collections.abc import Sequence
from typing import Final

import numpy as np

from isocost.domain.profile import QUANTILE_LEVELS, Distribution
from isocost.units import MS_PER_S

# A sample of at least half as many puts the median within 0.8 % of rank, two standard deviations
# (1 / sqrt(16384)); a stage of so many spark tasks is rare.
SAMPLE_SIZE: Final = 32_768
_MAX_STRIDE: Final = 2**32
# Up to here Python sorts faster than NumPy is called; most stages are so small.
_FEW: Final = 32


class Durations:
    """Durations by spark task ID, which Spark hands out in launch order.

    The sample keeps the IDs that a growing power of two divides, so it depends on the spark tasks
    alone and not on the order in which they ended.
    """

    def __init__(self) -> None:
        self._task_ids = array("q")
        self._ms = array("q")
        self._stride = 1
        self.count = 0
        self.total_ms = 0
        self.shortest_ms = 0
        self.longest_ms = 0

    def add(self, task_ids: Sequence[int], ms: Sequence[int]) -> None:
        """Add spark tasks; both sequences have the shape (tasks,)."""
        if not ms:
            return
        shortest_ms = min(ms)
        self.shortest_ms = min(self.shortest_ms, shortest_ms) if self.count else shortest_ms
        self.longest_ms = max(self.longest_ms, max(ms))
        self.count += len(ms)
        self.total_ms += sum(ms)
        self._task_ids.extend(task_ids)
        self._ms.extend(ms)
        if len(self._ms) > SAMPLE_SIZE:
            self._thin()

    def distribution(self, max_value_count: int) -> Distribution:
        """Return count, sum and quantiles over all, and at most `max_value_count` values."""
        if not self.count:
            return Distribution(0, 0.0, (), ())
        if self._stride > 1:
            self._drop_unsampled()
        values = self._in_launch_order_s()
        ascending = sorted(values)
        if (kept := len(values)) > max_value_count:
            values = [values[n * kept // max_value_count] for n in range(max_value_count)]
        return Distribution(
            count=self.count,
            total_s=self.total_ms / MS_PER_S,
            quantiles_s=self._quantiles_s(ascending),
            values_s=tuple(values),
        )

    def forget(self) -> None:
        """Let go of the sample; count, sum, shortest and longest stay."""
        self._task_ids, self._ms = array("q"), array("q")

    @property
    def kept_count(self) -> int:
        """How many durations are held."""
        return len(self._ms)

    def _thin(self) -> None:
        """Sample what was added since, and more coarsely until the sample fits."""
        self._drop_unsampled()
        while len(self._ms) > SAMPLE_SIZE:
            self._stride *= 2
            self._drop_unsampled()

    def _drop_unsampled(self) -> None:
        ids = np.frombuffer(self._task_ids, dtype=np.int64)
        is_kept = ids % self._stride == 0
        if self._stride > _MAX_STRIDE or not is_kept.any():
            # Not Spark's dense IDs, but some damage: any half of them is as good as another.
            is_kept = np.arange(len(ids)) % 2 == 0
        ms = np.frombuffer(self._ms, dtype=np.int64)[is_kept]
        self._task_ids, self._ms = array("q", ids[is_kept].tobytes()), array("q", ms.tobytes())

    def _in_launch_order_s(self) -> list[float]:
        ids, ms = self._task_ids, self._ms
        if len(ids) <= _FEW:
            return [ms[n] / MS_PER_S for n in sorted(range(len(ids)), key=ids.__getitem__)]
        order = np.argsort(np.frombuffer(ids, dtype=np.int64), kind="stable")
        seconds: list[float] = (np.frombuffer(ms, dtype=np.int64)[order] / MS_PER_S).tolist()
        return seconds

    def _quantiles_s(self, ascending_s: Sequence[float]) -> tuple[float, ...]:
        """Return the quantiles, linear between neighbours; the extremes are those of all."""
        last = len(ascending_s) - 1
        quantiles = [self.shortest_ms / MS_PER_S]
        for level in QUANTILE_LEVELS[1:-1]:
            place = level * last
            low = int(place)
            below, above = ascending_s[low], ascending_s[min(low + 1, last)]
            quantiles.append(below + (above - below) * (place - low))
        return (*quantiles, self.longest_ms / MS_PER_S)
