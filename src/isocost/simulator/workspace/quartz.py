"""A Quartz cron expression and a time zone in, the next moment it fires out.

Knows what Databricks' schedules use: seconds, minutes, hours, day of month, month, day of week
and an optional year; `*`, `?`, lists, ranges, steps, names, `L` and `#`
(quartz-scheduler.org, "CronTrigger Tutorial").
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from isocost.simulator.workspace.refusal import Refusal, invalid

_MONTHS: Final = {
    name: n
    for n, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), start=1)
}
_DAYS: Final = {name: n for n, name in enumerate("SUN MON TUE WED THU FRI SAT".split(), start=1)}
# A date such as 29 February comes again within 8 years (1896, 1904).
_HORIZON: Final = timedelta(days=366 * 8)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a databricks job runs; raises Refusal where an expression is no Quartz cron.

    Attributes:
        weekdays: 1 is Sunday.
        nth_weekdays: (weekday, which one of the month).
        last_weekdays: weekdays whose last of the month is meant.
    """

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    is_last_day: bool
    nth_weekdays: frozenset[tuple[int, int]]
    last_weekdays: frozenset[int]
    zone: ZoneInfo

    def next_after(self, at: datetime) -> datetime | None:
        """Return the first moment after `at`; None if there is none within eight years."""
        local = at.astimezone(self.zone)
        day, end = local.date(), local.date() + _HORIZON
        while day <= end:
            moments = self._moments(day) if self._has(day) else iter(())
            found = next((moment for moment in moments if moment > at), None)
            if found is not None:
                return found
            day += timedelta(days=1)
        return None

    def _has(self, day: date) -> bool:
        if day.month not in self.months or (self.years and day.year not in self.years):
            return False
        weekday = day.isoweekday() % 7 + 1
        last = monthrange(day.year, day.month)[1]
        return (
            day.day in self.days
            or (self.is_last_day and day.day == last)
            or weekday in self.weekdays
            or (weekday, (day.day + 6) // 7) in self.nth_weekdays
            or (weekday in self.last_weekdays and day.day + 7 > last)
        )

    def _moments(self, day: date) -> Iterator[datetime]:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                for second in sorted(self.seconds):
                    local = datetime.combine(day, time(hour, minute, second), self.zone)
                    yield local.astimezone(UTC)


def schedule(expression: str, zone_name: str) -> Schedule:
    """Return a schedule; raises Refusal as Databricks would."""
    fields = expression.upper().split()
    if len(fields) not in {6, 7}:
        raise _wrong(expression)
    try:
        zone = ZoneInfo(zone_name)
        return _parsed(fields, zone)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise invalid(f"Invalid timezone: {zone_name}") from error
    except (ValueError, KeyError) as error:
        raise _wrong(expression) from error


def _wrong(expression: str) -> Refusal:
    return invalid(f"Invalid quartz cron expression: '{expression}'.")


def _parsed(fields: list[str], zone: ZoneInfo) -> Schedule:
    seconds, minutes, hours, days, months, weekdays, *years = fields
    if (days == "?") == (weekdays == "?"):
        raise ValueError("exactly one of day of month and day of week is `?`")
    parts = weekdays.split(",")
    plain = [part for part in parts if "#" not in part and not part.endswith("L")]
    nth = [part.split("#") for part in parts if "#" in part]
    return Schedule(
        seconds=_numbers(seconds, 0, 59),
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        days=frozenset() if days in {"?", "L"} else _numbers(days, 1, 31),
        months=_numbers(months, 1, 12, names=_MONTHS),
        weekdays=_weekdays(plain),
        years=_numbers(years[0], 1970, 2199) if years and years[0] != "*" else frozenset(),
        is_last_day=days == "L",
        nth_weekdays=frozenset((_number(day, _DAYS), int(which)) for day, which in nth),
        last_weekdays=frozenset(_number(p[:-1] or "7", _DAYS) for p in parts if p.endswith("L")),
        zone=zone,
    )


def _weekdays(parts: list[str]) -> frozenset[int]:
    if parts == ["?"] or not parts:
        return frozenset()
    return frozenset[int]().union(*(_numbers(part, 1, 7, names=_DAYS) for part in parts))


def _numbers(
    text: str, low: int, high: int, *, names: Mapping[str, int] | None = None
) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = low if first in {"*", "?"} else _number(first, names or {})
        if dash:
            end = _number(last, names or {})
        else:
            end = high if step or first in {"*", "?"} else begin
        width = high - low + 1
        # FRI-MON goes over the end.
        stop = end if end >= begin else end + width
        for number in range(begin, stop + 1, int(step or 1)):
            found.add((number - low) % width + low)
        if not low <= begin <= high or not low <= end <= high:
            raise ValueError(part)
    return frozenset(found)


def _number(text: str, names: Mapping[str, int]) -> int:
    return names[text] if text in names else int(text)
