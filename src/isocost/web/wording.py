"""Numbers in, what pages write for them out; each with its unit."""

from datetime import datetime
from math import floor, log10
from typing import Final

from isocost.eventlog.wording import duration
from isocost.units import PERCENT

UNKNOWN: Final = "–"
_DIGITS: Final = 3  # below one dollar; as many as a run's cost is known to


def usd(value: float | None) -> str:
    """Return dollars: cents from one dollar on, three digits below."""
    if value is None:
        return UNKNOWN
    if value <= 0 or value >= 1:
        return f"{value:,.2f} USD"
    return f"{value:.{_DIGITS - 1 - floor(log10(value))}f} USD"


def percent(fraction: float | None) -> str:
    """Return a fraction as percent."""
    return UNKNOWN if fraction is None else f"{fraction * PERCENT:.0f} %"


def change(saving_fraction: float | None) -> str:
    """Return by how much a cost has changed: a saving is negative."""
    if saving_fraction is None:
        return ""
    return f"{-saving_fraction * PERCENT:+.0f} %".replace("-", "−")


def seconds(value: float | None) -> str:
    """Return seconds as people say them."""
    return UNKNOWN if value is None else duration(value)


def moment(at: datetime | None) -> str:
    """Return a moment to the minute."""
    return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def words(value: object) -> str:
    """Return the name of a choice as words."""
    return str(getattr(value, "value", value)).replace("_", " ")
