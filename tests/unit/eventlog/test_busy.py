"""Busy time is exact at the edges of its bins, however wide they had to become."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isocost.eventlog.busy import BIN_COUNT, BusyTime

spans = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)).map(lambda t: (t[0], t[0] + t[1])),
    min_size=1,
    max_size=30,
)


def busy_of(intervals):
    busy = BusyTime()
    for begin, end in intervals:
        busy.add(np.array([begin]), np.array([end]))
    return busy


def exact(intervals, time):
    return sum(max(0, min(end, time) - begin) for begin, end in intervals if begin < time)


@given(spans)
def test_total_is_the_sum_of_all_durations(intervals):
    assert busy_of(intervals).until_ms([10**9])[0] == sum(e - b for b, e in intervals)


@given(spans, st.integers(0, 2 * 10**6))
def test_any_time_is_right_to_within_a_bin(intervals, time):
    width = max(1, 2 * (2 * 10**6) // BIN_COUNT + 2)
    found = busy_of(intervals).until_ms([time])[0]
    assert abs(found - exact(intervals, time)) <= width * len(intervals)


@given(spans, st.randoms(use_true_random=False))
def test_order_does_not_matter(intervals, random):
    shuffled = random.sample(intervals, len(intervals))
    times = np.linspace(0, 2 * 10**6, 50)
    assert np.array_equal(busy_of(intervals).until_ms(times), busy_of(shuffled).until_ms(times))
