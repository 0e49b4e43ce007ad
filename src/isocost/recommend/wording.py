"""Amounts in, what sentences, tables and pages write for them out."""

from math import floor, log10
from typing import Final

_DIGITS: Final = 3  # below one dollar; as many as a run's cost is known to
# What tells amounts apart that are as good as the same, and still ends.
_MOST_DIGITS: Final = 9


def usd_digits(value: float, extra_digits: int = 0) -> str:
    """Return an amount of USD without its unit: cents from one dollar on, three digits below."""
    if value == 0 or abs(value) >= 1:
        return f"{value:,.{2 + extra_digits}f}"
    return f"{value:.{_DIGITS + extra_digits - 1 - floor(log10(abs(value)))}f}"


def told_usd(usd: float, extra_digits: int = 0) -> str:
    """Return an amount with its unit."""
    return f"{usd_digits(usd, extra_digits)} USD"


def told_apart(*usd: float) -> tuple[str, ...]:
    """Return amounts, with more digits where else two different ones would read the same."""
    for extra_digits in range(_MOST_DIGITS):
        told = tuple(told_usd(each, extra_digits) for each in usd)
        if len(set(told)) == len(set(usd)):
            break
    return told
