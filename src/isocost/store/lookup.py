"""An unknown id and the known ones in, the error every store raises out."""

from collections.abc import Sequence
from difflib import get_close_matches

from isocost.errors import NotFound

_SHOWN = 5  # as many names as a person takes in at a glance


def not_found(noun: str, key: str, known: Sequence[str]) -> NotFound:
    """Return the error for an unknown id, naming the closest or the newest known ones."""
    if not known:
        return NotFound(f"There is no {noun} {key!r}; none is stored yet.")
    near = get_close_matches(key, known, n=_SHOWN) or list(known)[-_SHOWN:]
    return NotFound(f"There is no {noun} {key!r}. Stored are, among others: {', '.join(near)}.")
