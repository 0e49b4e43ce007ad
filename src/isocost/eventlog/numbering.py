"""Numbered parts in; one part for each number in order, with gaps and duplicates named, out."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Final

from isocost.domain.profile import MissingFact
from isocost.eventlog.codecs.feed import CHUNK_BYTES, Feed
from isocost.eventlog.heads import Candidate, Looks
from isocost.eventlog.parts import DamagedPart, LogPart

LOWER_BOUNDS: Final = "Counts and sums are lower bounds; stages and the end may be missing."
_LISTED_GAPS: Final = 10  # in a message; more would hide the sentence


@dataclass(frozen=True, slots=True)
class Row:
    """Parts in order.

    Attributes:
        missing: gaps, and numbers that two different parts claim.
        notes: duplicates that were passed over.
    """

    parts: tuple[LogPart, ...]
    missing: tuple[MissingFact, ...]
    notes: tuple[MissingFact, ...]


def in_a_row(
    group: Sequence[Candidate], number_of: Callable[[Candidate], int], first: int, *, label: str
) -> Row:
    """Return the parts by number; duplicates are read, to see whether they are equal.

    Args:
        group: not empty.
        number_of: a candidate's number.
        first: the number that the first part should have.
        label: what a number counts, for messages: "rolled part".
    """
    by_number: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in group:
        by_number[number_of(candidate)].append(candidate)
    numbers = sorted(by_number)
    missing = _gaps(label, [first - 1, *numbers])
    notes: list[MissingFact] = []
    parts: list[LogPart] = []
    for number in numbers:
        used, *others = (
            candidate.part for candidate in sorted(by_number[number], key=_preference)
        )
        parts.append(used)
        for other in others:
            if have_equal_content(used, other):
                notes.append(_copy(f"{label} {number}", used, other))
            else:
                missing.append(_contradiction(f"{label} {number}", used, other))
    return Row(tuple(parts), tuple(missing), tuple(notes))


def have_equal_content(one: LogPart, other: LogPart) -> bool:
    """Whether two parts hold the same plain bytes; damaged ones never do."""
    try:
        return all(left == right for left, right in zip_longest(_pages(one), _pages(other)))
    except DamagedPart:
        return False


def _pages(part: LogPart) -> Iterator[bytes]:
    feed = Feed(part.open())
    while page := feed.take(CHUNK_BYTES):
        yield page


def _preference(candidate: Candidate) -> tuple[bool, int, int, str]:
    """Prefer what is readable, then the larger file, then the shallower path."""
    is_bad = candidate.head.looks is not Looks.EVENTS
    return (is_bad, -(candidate.part.stored_bytes or 0), candidate.path.count("/"), candidate.path)


def _gaps(label: str, numbers: Sequence[int]) -> list[MissingFact]:
    # As spans, never number by number: a damaged line may claim any number.
    spans = [(left + 1, right - 1) for left, right in pairwise(numbers) if right > left + 1]
    if not spans:
        return []
    listed = ", ".join(
        str(start) if start == end else f"{start} to {end}" for start, end in spans[:_LISTED_GAPS]
    )
    more = f" and {len(spans) - _LISTED_GAPS} more gaps" if len(spans) > _LISTED_GAPS else ""
    fact = MissingFact(
        what=f"{label} {listed}{more}",
        reason="the parts are numbered in a row and no file has this number; copy it as well",
        effect=LOWER_BOUNDS,
    )
    return [fact]


def _copy(what: str, used: LogPart, other: LogPart) -> MissingFact:
    return MissingFact(
        what=f"{what}, a second time",
        reason=f"{other.name} is a duplicate of {used.name}, equal byte for byte",
        effect="None: the duplicate was passed over.",
    )


def _contradiction(what: str, used: LogPart, other: LogPart) -> MissingFact:
    return MissingFact(
        what=f"{what}, free of contradiction",
        reason=f"{used.name} and {other.name} both have this number and differ",
        effect="The first is used; events that only the other holds are not counted.",
    )
