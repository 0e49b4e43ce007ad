"""When runs were asked for and what they read in; what the next one will read, out.

Most recurring data have a week: Monday's load is that of Monday before rather than Sunday's. Where
a week is not known yet, the largest of the last runs is expected, for a deadline is missed on the
large ones.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from math import log
from statistics import median
from typing import Final

# Inputs this much apart are another size: half as far as the size at which a model that has
# settled learns anew (phases.INPUT_JUMP), and twice what quiet weekends make of a daily load.
OTHER_SIZE_LOG: Final = log(1.3)
_WEEK: Final = timedelta(days=7)


def next_input(read: Sequence[tuple[datetime, float | None]]) -> float | None:
    """Return the bytes that the next run is expected to read; None where nobody knows.

    Where the newest run read what the run of its own day and time read a week before, the next one
    is expected to do so, too; of one and two weeks before the larger counts, so that a holiday
    does not make a small day of the next. Else the data have jumped, and only what was read since
    says anything.

    Args:
        read: when each run was asked for and its input in bytes, None if not known; oldest first.
    """
    known = [(when, size) for when, size in read if size]
    if not known:
        return None
    newest_at, newest = known[-1]
    every = _interval(read)
    own = [_read_about(known, newest_at - n * _WEEK, every) for n in (1, 2)]
    if every is None or own[0] is None:
        return max(size for when, size in known if newest_at - when <= _WEEK)
    weeks = [n for n, size in enumerate(own, start=1) if size and _is_alike(size, newest)]
    if 1 not in weeks:
        return max(_since_jump(known))
    due = [_read_about(known, newest_at + every - n * _WEEK, every) for n in weeks]
    return max((size for size in due if size), default=newest)


def _read_about(
    known: Sequence[tuple[datetime, float]], at: datetime, every: timedelta | None
) -> float | None:
    """Return what the newest run about a moment read; None if there was none."""
    near = (every or timedelta(0)) / 2
    return next((size for when, size in reversed(known) if abs(when - at) <= near), None)


def _since_jump(known: Sequence[tuple[datetime, float]]) -> list[float]:
    sizes = [size for _, size in reversed(known)]
    return list(takewhile(lambda size: _is_alike(size, sizes[0]), sizes))


def _is_alike(size: float, other: float) -> bool:
    return abs(log(size / other)) <= OTHER_SIZE_LOG


def _interval(read: Sequence[tuple[datetime, float | None]]) -> timedelta | None:
    """Return the usual time between two runs; None where it is a week or more, or not known."""
    times = [when for when, _ in read]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    usual = timedelta(seconds=median(gaps)) if gaps else _WEEK
    return usual if timedelta(0) < usual < _WEEK else None
