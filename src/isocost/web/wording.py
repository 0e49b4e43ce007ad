"""Numbers in, what pages write for them out; each with its unit."""

from datetime import datetime
from typing import Final

from isocost.eventlog.wording import duration
from isocost.recommend.wording import told_usd
from isocost.units import PERCENT

UNKNOWN: Final = "–"


def usd(value: float | None) -> str:
    """Return dollars: cents from one dollar on, three digits below."""
    return UNKNOWN if value is None else told_usd(value)


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
