"""The next run reads what its day of the week reads, and never what was read before a jump."""

from datetime import timedelta

import pytest

from isocost.recommend.next_input import next_input
from isocost.testing.nouns import NOW

WEEK = (104.0, 102.0, 100.0, 102.0, 106.0, 94.0, 92.0)


def daily(count, *, factor=lambda day: 1.0):
    return [(NOW + timedelta(days=n), WEEK[n % 7] * factor(n)) for n in range(count)]


@pytest.mark.parametrize("count", range(8, 15))
def test_a_day_reads_what_it_read_a_week_before(count):
    assert next_input(daily(count)) == WEEK[count % 7]


def test_largest_of_the_last_runs_is_expected_before_a_week_is_known():
    assert next_input(daily(5)) == 106.0
    assert next_input(daily(1)) == 104.0


def test_two_runs_a_day_are_told_apart():
    read = [(NOW + timedelta(hours=12 * n), 100.0 + 10.0 * (n % 2)) for n in range(20)]
    assert next_input(read) == 100.0
    assert next_input(read[:-1]) == 110.0


def test_what_was_read_before_the_data_doubled_says_nothing():
    doubled = daily(12, factor=lambda day: 1.0 if day < 10 else 2.0)
    assert next_input(doubled) == 2 * WEEK[11 % 7]


def test_weekly_runs_read_what_the_larger_of_the_last_two_read():
    read = [(NOW + timedelta(weeks=n), size) for n, size in enumerate((100.0, 105.0, 102.0))]
    assert next_input(read) == 105.0


def test_without_known_sizes_nothing_is_expected():
    assert next_input([]) is None
    assert next_input([(NOW, None)]) is None


def test_runs_at_one_moment_have_no_interval():
    assert next_input([(NOW, 5.0), (NOW, 6.0)]) == 6.0


def test_a_quiet_weekend_does_not_size_monday():
    read = [(NOW + timedelta(days=n), 60.0 if n % 7 > 4 else 100.0) for n in range(28)]
    assert [next_input(read[:count]) for count in (27, 28)] == [60.0, 100.0]
    assert next_input(read[:7]) == 100.0  # the first weekend is no jump yet


def test_one_holiday_does_not_make_a_small_day_of_the_next():
    read = daily(22)
    read[15] = (read[15][0], 40.0)
    assert next_input(read) == WEEK[22 % 7]


def test_weekly_runs_read_what_the_last_did_after_a_jump():
    read = [(NOW + timedelta(weeks=n), size) for n, size in enumerate((100.0, 101.0, 300.0))]
    assert next_input(read) == 300.0
