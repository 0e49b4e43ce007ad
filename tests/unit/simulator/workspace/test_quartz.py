"""Quartz cron expressions and the moments they name."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.simulator.workspace.quartz import schedule
from isocost.simulator.workspace.refusal import Refusal

MONDAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def fires(expression, *, count=3, zone="UTC", after=MONDAY):
    plan, found = schedule(expression, zone), []
    for _ in range(count):
        after = plan.next_after(after)
        found.append(f"{after:%Y-%m-%d %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 12 * * ?", ["2026-01-05 12:00:00", "2026-01-06 12:00:00"]),
        ("30 15/20 6 * * ?", ["2026-01-05 06:15:30", "2026-01-05 06:35:30"]),
        ("0 0 0 ? * FRI-MON", ["2026-01-09 00:00:00", "2026-01-10 00:00:00"]),
        ("0 0 0 L * ?", ["2026-01-31 00:00:00", "2026-02-28 00:00:00"]),
        ("0 0 0 ? * 6#3", ["2026-01-16 00:00:00", "2026-02-20 00:00:00"]),
        ("0 0 0 ? * FRIL", ["2026-01-30 00:00:00", "2026-02-27 00:00:00"]),
        ("0 0 8,20 1 JAN,JUL ?", ["2026-07-01 08:00:00", "2026-07-01 20:00:00"]),
        ("0 0 0 29 2 ?", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 1 1 ? 2027-2028", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
    ],
)
def test_expression_names_these_moments(expression, expected):
    assert fires(expression, count=2) == expected


def test_a_zone_keeps_its_local_hour_over_the_change_of_clocks():
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    found = fires("0 0 7 * * ?", zone="Europe/Berlin", after=before, count=1)
    assert found == ["2026-03-29 05:00:00"]
    assert fires("0 0 7 * * ?", zone="Europe/Berlin", count=1) == ["2026-01-06 06:00:00"]


def test_a_year_that_is_over_never_comes():
    assert schedule("0 0 0 1 1 ? 2025", "UTC").next_after(MONDAY) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 0 * * *",
        "0 0 25 * * ?",
        "0 0 0 * * *",
        "0 0 0 ? * ?",
        "x 0 0 * * ?",
        "0 0 0 ? * XYZ",
    ],
)
def test_what_is_no_quartz_cron_is_refused(expression):
    with pytest.raises(Refusal, match="Invalid quartz"):
        schedule(expression, "UTC")


def test_an_unknown_zone_is_refused():
    with pytest.raises(Refusal, match="Invalid timezone: Mars/Base"):
        schedule("0 0 0 * * ?", "Mars/Base")


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    hours=st.floats(0, 40_000),
)
def test_a_daily_schedule_fires_within_a_day_and_later_than_asked(minute, hour, hours):
    after = MONDAY + timedelta(hours=hours)
    found = schedule(f"0 {minute} {hour} * * ?", "UTC").next_after(after)
    assert (found.hour, found.minute, found.second) == (hour, minute, 0)
    assert 0 < (found - after).total_seconds() <= 86_400
