"""Durations, windows and numbers as people type them in; values out."""

import re
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Final, TypeVar

from isocost.domain.limits import ChangeWindow, Field
from isocost.errors import InvalidInput
from isocost.units import S_PER_DAY, S_PER_HOUR, S_PER_MINUTE

Number = TypeVar("Number", int, float)

# Lifts a limit.
NONE: Final = "none"
_SECONDS: Final = {"s": 1, "m": S_PER_MINUTE, "h": S_PER_HOUR, "d": S_PER_DAY}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(r"([a-z,-]+)(?:\s+(\d{1,2})-(\d{1,2}))?")


def seconds(text: str, option: str) -> float:
    """Return a duration in seconds: `45m`, `1h30m`, `2700s`.

    Raises:
        InvalidInput: it is none.
    """
    folded = text.strip().lower().replace(" ", "")
    if not _DURATION.fullmatch(folded):
        raise InvalidInput(
            f"{option} takes a duration with its unit, such as 45m, 1h30m or 2700s; got {text!r}."
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(folded))


def told_seconds(value: float) -> str:
    """Return a duration for people, to the second: `1 h 02 min`, `12 min 30 s`, `8.1 s`."""
    if value < S_PER_MINUTE:
        return f"{value:.1f} s"
    whole = round(value)
    hours, minutes = divmod(whole // S_PER_MINUTE, S_PER_MINUTE)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {whole % S_PER_MINUTE:02} s"


def miss_fraction(value: float) -> float:
    """Return the fraction of runs that may miss their deadline; raises InvalidInput for none."""
    if not 0 < value < 1:
        raise InvalidInput(
            f"--miss takes a fraction of runs between 0 and 1, such as 0.05; got {value:g}."
        )
    return value


def number_or_none(text: str, kind: Callable[[str], Number], option: str) -> Number | None:
    """Return a number, or None for the word that lifts a limit; raises InvalidInput."""
    if text.strip().lower() == NONE:
        return None
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not isfinite(number):
        what = "a whole number" if kind is int else "a number"
        raise InvalidInput(f"{option} takes {what}, or {NONE} to lift the limit; got {text!r}.")
    return number


def names(given: Sequence[str]) -> tuple[str, ...]:
    """Return names given one by one or with commas between; none for the word that lifts."""
    found = [name.strip() for text in given for name in text.split(",") if name.strip()]
    return () if found == [NONE] else tuple(dict.fromkeys(found))


def pinned(given: Sequence[str]) -> frozenset[Field]:
    """Return what is pinned; raises InvalidInput for what cannot be."""
    found = names(given)
    known = {field.value for field in Field}
    unknown = [name for name in found if name not in known]
    if unknown:
        raise InvalidInput(
            f"--pin takes {', '.join(sorted(known))}, or {NONE} to pin nothing; got "
            f"{', '.join(unknown)}."
        )
    return frozenset(Field(name) for name in found)


def windows(given: Sequence[str]) -> tuple[ChangeWindow, ...]:
    """Return change windows: `mon-fri 8-18`, `sat,sun`; raises InvalidInput."""
    return () if list(given) == [NONE] else tuple(_window(text) for text in given)


def _window(text: str) -> ChangeWindow:
    match = _WINDOW.fullmatch(text.strip().lower())
    days = _days(match.group(1)) if match else ()
    if match is None or not days:
        raise InvalidInput(
            "--window takes days and hours in UTC, such as 'mon-fri 8-18' or 'sat,sun', or "
            f"{NONE} for always; got {text!r}."
        )
    begin, end = match.group(2), match.group(3)
    return ChangeWindow(days) if begin is None else ChangeWindow(days, int(begin), int(end))


def _days(text: str) -> tuple[int, ...]:
    """Return weekdays; none if some word is no day."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            return ()
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        # `sat-mon` goes over the week's end.
        length = (end - begin) % len(_DAYS) + 1
        found |= {(begin + n) % len(_DAYS) for n in range(length)}
    return tuple(sorted(found))
