"""Databricks' milliseconds since 1970 in, aware moments out; and back."""

from datetime import UTC, datetime
from typing import SupportsFloat

from isocost.units import MS_PER_S


def moment(milliseconds: SupportsFloat | str | None) -> datetime | None:
    """Return the moment; None for 0 too, by which Databricks says "not yet"."""
    count = float(milliseconds or 0)
    return datetime.fromtimestamp(count / MS_PER_S, UTC) if count > 0 else None


def milliseconds(at: datetime) -> int:
    """Return what Databricks calls that moment."""
    return round(at.timestamp() * MS_PER_S)
