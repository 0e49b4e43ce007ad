"""Values in groups in; means with confidence intervals out.

A group is a workload: projects of one workload go wrong together, so they count as one witness and
not as many. A mean is that of its values, as anybody gets it from the tables; only its interval,
Student's t over the groups, knows of them. Nothing is drawn, so there is no seed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import stdev
from typing import Final, TypeVar

from scipy.special import stdtrit

CONFIDENCE: Final = 0.95
# With two witnesses the interval is 13 times as wide as their distance: true, and of no use.
LEAST_SHOWN: Final = 3

Group = TypeVar("Group")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with the interval that holds the true one with some confidence.

    Attributes:
        low, high: equal to the mean only if all groups agree; infinitely far with one group.
        group_count: independent witnesses.
        value_count: values behind them.
        standard_error: of the mean; None with one group.
    """

    mean: float
    low: float
    high: float
    group_count: int
    value_count: int
    standard_error: float | None

    @property
    def is_interval_known(self) -> bool:
        """Whether there are witnesses enough for an interval that says something."""
        return self.group_count >= LEAST_SHOWN

    @property
    def half_width(self) -> float:
        """Half of the interval."""
        return (self.high - self.low) / 2


def clustered_mean(
    values: Iterable[tuple[str, float]], *, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Return the plain mean of values, with its error from how groups differ; None of no values.

    The error is that of clustered samples (Liang and Zeger 1986): the values' residuals are summed
    within each group first, and are as independent as the groups are.

    Args:
        values: each with its group.
        confidence: of the interval, 0 to 1.
    """
    by_group = grouped(values)
    if not by_group:
        return None
    count = sum(map(len, by_group.values()))
    mean = fsum(value for group in by_group.values() for value in group) / count
    each = len(by_group) / count
    witnesses = [
        mean + each * fsum(value - mean for value in group) for group in by_group.values()
    ]
    return _estimate(mean, witnesses, count, confidence=confidence)


def jackknifed(
    groups: Sequence[Group],
    statistic: Callable[[Sequence[Group]], float],
    *,
    value_count: int,
    confidence: float,
) -> Estimate | None:
    """Return any statistic of groups with its interval; None of fewer than two groups.

    Leaving out each group in turn gives pseudo-values whose mean has the statistic's error (Tukey
    1958); for a mean they are the groups' values themselves.
    """
    n = len(groups)
    if n < 2:
        return None
    whole = statistic(groups)
    without = [statistic([*groups[:i], *groups[i + 1 :]]) for i in range(n)]
    pseudo = [n * whole - (n - 1) * each for each in without]
    return _estimate(whole, pseudo, value_count, confidence=confidence)


def grouped(values: Iterable[tuple[str, float]]) -> Mapping[str, list[float]]:
    """Return the values of each group, in the order in which groups first appear."""
    by_group: dict[str, list[float]] = {}
    for group, value in values:
        by_group.setdefault(group, []).append(value)
    return by_group


def _estimate(
    mean: float, witnesses: Sequence[float], value_count: int, *, confidence: float
) -> Estimate:
    n = len(witnesses)
    if n < 2:
        return Estimate(mean, float("-inf"), float("inf"), n, value_count, None)
    error = stdev(witnesses) / sqrt(n)
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return Estimate(mean, mean - reach, mean + reach, n, value_count, error)
