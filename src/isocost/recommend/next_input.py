"""When runs were asked for and what they read in; what the next one will read, out.

Most recurring data have a week: Monday's load is that of Monday before rather than Sunday's. Where
a week is not known yet, the largest of the last runs is expected, for a deadline is missed on the
large ones.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import log
from statistics import median
from typing import Final

# Inputs this much apart are another size: half as far as the size at which a model that has
# settled learns anew (phases.INPUT_JUMP), and twice what quiet weekends make of a daily load.
OTHER_SIZE_LOG: Final = log(1.3)
_WEEK: Final = timedelta(days=7)


def next_input(read: Sequence[tuple[datetime, float | None]]) -> float | None:
    """Return the bytes that the next run is expected to read; None where nobody knows.

    Runs of another size than the newest say nothing: the data have jumped since.

    Args:
        read: when each run was asked for and its input in bytes, None if not known; oldest first.
    """
    known = [(when, size) for when, size in read if size]
    if not known:
        return None
    newest_at, newest = known[-1]
    alike: list[tuple[datetime, float]] = []
    for when, size in reversed(known):
        if abs(log(size / newest)) > OTHER_SIZE_LOG or newest_at - when > 2 * _WEEK:
            break
        alike.append((when, size))
    every = _interval(read)
    if every is None:
        return max(size for _, size in alike)
    weeks_before = [
        size
        for when, size in alike
        if when < newest_at and abs(_from_week_to_week(newest_at + every - when)) <= every / 2
    ]
    if weeks_before:
        return weeks_before[0]
    return max(size for when, size in alike if newest_at - when <= _WEEK)


def _interval(read: Sequence[tuple[datetime, float | None]]) -> timedelta | None:
    """Return the usual time between two runs; None where it is a week or more, or not known."""
    times = [when for when, _ in read]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    usual = timedelta(seconds=median(gaps)) if gaps else _WEEK
    return usual if timedelta(0) < usual < _WEEK else None


def _from_week_to_week(apart: timedelta) -> timedelta:
    """Return by how much a time apart differs from the nearest number of weeks, at least one."""
    return apart - max(1, round(apart / _WEEK)) * _WEEK
