"""What every part of the workspace needs: JSON values, moments in milliseconds, drawn names."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeAlias

from isocost.units import MS_PER_S

Json: TypeAlias = dict[str, Any]

_SEED_BYTES = 8


def ms(at: datetime) -> int:
    """Return a moment as Databricks writes it: milliseconds since 1970."""
    return round(at.timestamp() * MS_PER_S)


def seed_of(*parts: object) -> int:
    """Return a 64-bit number that is the same for the same parts, on any machine."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=_SEED_BYTES).digest(), "big")


def drawn_id(*parts: object, digits: int = 15) -> int:
    """Return a decimal ID of this length, as those of databricks jobs and runs."""
    low: int = 10 ** (digits - 1)
    return low + seed_of(*parts) % (9 * low)


def hex_id(*parts: object, length: int = 8) -> str:
    """Return the first hexadecimal digits of the parts' number."""
    return f"{seed_of(*parts):016x}"[:length]
