"""Numbers in, the words a person reads out: durations and sizes with three digits or so."""

from isocost.units import BYTES_PER_KIB, S_PER_HOUR, S_PER_MINUTE


def duration(seconds: float) -> str:
    """Return seconds as seconds, minutes or hours."""
    if seconds < S_PER_MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), S_PER_MINUTE)
    if minutes < S_PER_HOUR // S_PER_MINUTE:
        return f"{minutes} min {rest_s:02d} s"
    hours, minutes = divmod(minutes, S_PER_MINUTE)
    return f"{hours} h {minutes:02d} min"


def size(count: float) -> str:
    """Return bytes in binary units."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < BYTES_PER_KIB:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= BYTES_PER_KIB
    return f"{count:.2f} TiB"
