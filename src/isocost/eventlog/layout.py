"""Stored files in, applications out: which parts belong together, in what order, what is missing.

Three layouts are known. A file on its own is an application. Spark's rolled logs are directories
`eventlog_v2_<app>[_<attempt>]` with `events_<n>_<app>…`, ordered by n. Databricks names its parts
by date, and says in the first line of each which context it belongs to and its number.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from isocost.domain.profile import MissingFact
from isocost.eventlog.codecs.feed import CHUNK_BYTES, Feed
from isocost.eventlog.heads import Head, Looks
from isocost.eventlog.parts import ApplicationLog, DamagedPart, FailedLog, LogPart, OpenedLogs

# What file managers and archivers leave behind, and Spark's own marker files.
_JUNK: Final = re.compile(
    r"(^|/)(\.DS_Store|\._[^/]*|__MACOSX/.*|Thumbs\.db|\.[^/]*\.crc|_SUCCESS)$"
)
_STATUS: Final = re.compile(r"(^|/)appstatus_[^/]*$")
_ROLLED: Final = re.compile(r"^events_(?P<number>\d+)_(?P<app>.+?)(?P<compact>\.compact)?$")
_CODEC_SUFFIX: Final = re.compile(r"\.(zstd|zst|lz4|snappy|lzf|gz)(?=\.compact$|$)")
_DATED: Final = re.compile(r"^eventlog-(\d{4}-\d\d-\d\d--\d\d-\d\d)(\.[a-z0-9]+)?$")
_NEWEST: Final = re.compile(r"^eventlog(\.[a-z0-9]+)?$")
# Names that Spark gives its logs; a file called so is reported when it cannot be read.
_SPARK_NAME: Final = re.compile(
    r"^(app-\d|application_\d|local-\d|spark-[0-9a-f]|events_\d|eventlog)"
)

_LISTED_NUMBERS: Final = 10  # in a message; more would hide the sentence
_LOWER_BOUNDS: Final = "Counts and sums are lower bounds; stages and the end may be missing."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored file that may be part of an event log.

    Attributes:
        path: relative to the location asked for, with `/` between folders.
    """

    path: str
    part: LogPart
    head: Head

    @property
    def file_name(self) -> str:
        """The last component of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        """The location that holds the file, as the user would name it."""
        name = self.part.name
        cut = max(name.rfind("/"), name.rfind("!"))
        return name[:cut] if cut > 0 else name


def is_junk(path: str) -> bool:
    """Whether a file of this relative path can never hold events, whatever is in it."""
    return bool(_JUNK.search(path) or _STATUS.search(path))


def is_marked_in_progress(path: str) -> bool:
    """Whether the name says that Spark has not finished the file."""
    return path.endswith(".inprogress")


def arrange(location: str, candidates: Iterable[Candidate]) -> OpenedLogs:
    """Return the applications that the files make up.

    Only parts of which several claim the same number are read here, to see whether they are equal.
    """
    sorting = _Sorting(sorted(candidates, key=lambda candidate: candidate.path))
    applications = [_rolled(group) for group in sorting.rolled.values()]
    applications += _databricks(sorting)
    applications += [_single(candidate) for candidate in sorting.singles]
    if len(applications) == 1:
        applications = [replace(applications[0], location=location)]
    return OpenedLogs(
        location,
        tuple(sorted(applications, key=lambda log: log.location)),
        tuple(sorting.failed),
        tuple(sorting.strays),
    )


class _Sorting:
    """Candidates by the layout that they belong to."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.rolled: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
        self.contexts: dict[int, list[Candidate]] = defaultdict(list)
        self.dated: dict[str, list[Candidate]] = defaultdict(list)
        self.singles: list[Candidate] = []
        self.failed: list[FailedLog] = []
        self.strays: list[str] = []
        for candidate in candidates:
            self._sort(candidate)
        self._drop_unreadable_groups()

    def _sort(self, candidate: Candidate) -> None:
        rolled = _ROLLED.match(_CODEC_SUFFIX.sub("", candidate.file_name))
        head = candidate.head
        if rolled and head.looks is not Looks.FOREIGN:
            # Empty and cut parts stay: their number says that they belong here.
            self.rolled[candidate.folder, rolled["app"]].append(candidate)
        elif head.looks is not Looks.EVENTS:
            self._set_aside(candidate)
        elif head.databricks:
            self.contexts[head.databricks.context_id].append(candidate)
        elif _DATED.match(candidate.file_name) or _NEWEST.match(candidate.file_name):
            self.dated[candidate.folder].append(candidate)
        else:
            self.singles.append(candidate)

    def _set_aside(self, candidate: Candidate) -> None:
        is_unreadable = candidate.head.looks is Looks.UNREADABLE
        if candidate.head.error and (is_unreadable or _SPARK_NAME.match(candidate.file_name)):
            self.failed.append(FailedLog(candidate.part.name, candidate.head.error))
        else:
            self.strays.append(candidate.part.name)

    def _drop_unreadable_groups(self) -> None:
        for key, group in list(self.rolled.items()):
            if not any(candidate.head.looks is Looks.EVENTS for candidate in group):
                del self.rolled[key]
                for candidate in group:
                    self._set_aside(candidate)


def _single(candidate: Candidate) -> ApplicationLog:
    return ApplicationLog(candidate.part.name, (candidate.part,))


def _rolled(group: Sequence[Candidate]) -> ApplicationLog:
    numbers = {candidate.part.name: _rolled_number(candidate) for candidate in group}
    compacted = [candidate for candidate in group if _is_compact(candidate)]
    missing: list[MissingFact] = []
    first = 1
    if compacted:
        first = max(numbers[candidate.part.name] for candidate in compacted)
        missing.append(_compaction(first))
        group = [
            candidate
            for candidate in group
            if numbers[candidate.part.name] > first
            or (numbers[candidate.part.name] == first and _is_compact(candidate))
        ]
    row = _in_a_row(group, lambda candidate: numbers[candidate.part.name], first)
    return ApplicationLog(
        group[0].folder, row.parts, tuple(missing) + row.missing, notes=row.notes
    )


def _rolled_number(candidate: Candidate) -> int:
    match = _ROLLED.match(candidate.file_name)
    return int(match["number"]) if match else 0


def _is_compact(candidate: Candidate) -> bool:
    return candidate.file_name.endswith(".compact")


def _compaction(number: int) -> MissingFact:
    return MissingFact(
        what=f"events of finished spark jobs in rolled parts 1 to {number}",
        reason="Spark compacted them away (spark.eventLog.rolling, "
        "spark.history.fs.eventLog.rolling.maxFilesToRetain)",
        effect=_LOWER_BOUNDS,
    )


def _databricks(sorting: _Sorting) -> list[ApplicationLog]:
    logs = [_context(sorting, context_id) for context_id in sorting.contexts]
    for folder, group in sorting.dated.items():
        parts = tuple(candidate.part for candidate in sorted(group, key=_date_key))
        logs.append(ApplicationLog(folder, parts, _missing_newest(group)))
    return logs


def _context(sorting: _Sorting, context_id: int) -> ApplicationLog:
    group = sorting.contexts[context_id]
    row = _in_a_row(group, _rollover_number, 0)
    missing = row.missing + _missing_newest(group)
    folders = {candidate.folder for candidate in group}
    location = min(folders, key=len) if len(group) > 1 else group[0].part.name
    shared = [
        other
        for other, candidates in sorting.contexts.items()
        if other != context_id and folders & {candidate.folder for candidate in candidates}
    ]
    if not shared:
        return ApplicationLog(location, row.parts, missing, row.notes)
    others = ", ".join(str(other) for other in shared)
    note = f"{location} also holds parts of SparkContext {others}; each is read on its own"
    name = f"{location} (SparkContext {context_id})"
    return ApplicationLog(name, row.parts, missing, (*row.notes, note))


def _rollover_number(candidate: Candidate) -> int:
    return candidate.head.databricks.rollover_number if candidate.head.databricks else 0


def _missing_newest(group: Sequence[Candidate]) -> tuple[MissingFact, ...]:
    """Databricks keeps the newest part under the plain name; a single file may be a choice."""
    if len(group) == 1 or not all(_DATED.match(candidate.file_name) for candidate in group):
        return ()
    fact = MissingFact(
        what="the newest part of the event log, called `eventlog`",
        reason="only dated parts are here; the newest has no date in its name; copy it as well",
        effect=_LOWER_BOUNDS,
    )
    return (fact,)


def _date_key(candidate: Candidate) -> tuple[bool, str, str]:
    """Order by the date in the name; the plain `eventlog` is the newest."""
    dated = _DATED.match(candidate.file_name)
    return (dated is None, dated[1] if dated else "", candidate.path)


@dataclass(frozen=True, slots=True)
class _Row:
    parts: tuple[LogPart, ...]
    missing: tuple[MissingFact, ...]
    notes: tuple[str, ...]


def _in_a_row(
    group: Sequence[Candidate], number_of: Callable[[Candidate], int], first: int
) -> _Row:
    """Order by number; one part for each, gaps from `first` on named."""
    by_number: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in group:
        by_number[number_of(candidate)].append(candidate)
    gaps = [number for number in range(first, max(by_number)) if number not in by_number]
    missing = [_gap(gaps)] if gaps else []
    notes: list[str] = []
    parts: list[LogPart] = []
    for number in sorted(by_number):
        best, *others = sorted(by_number[number], key=_preference)
        parts.append(best.part)
        for other in others:
            if have_equal_content(best.part, other.part):
                notes.append(
                    f"{other.part.name} is a copy of {best.part.name} and was passed over"
                )
            else:
                missing.append(_contradiction(number, best.part, other.part))
    return _Row(tuple(parts), tuple(missing), tuple(notes))


def _preference(candidate: Candidate) -> tuple[bool, int, int, str]:
    """Prefer what is readable, then the larger file, then the shallower path."""
    is_bad = candidate.head.looks is not Looks.EVENTS
    return (is_bad, -(candidate.part.stored_bytes or 0), candidate.path.count("/"), candidate.path)


def _gap(numbers: Sequence[int]) -> MissingFact:
    listed = ", ".join(str(number) for number in numbers[:_LISTED_NUMBERS])
    more = f" and {len(numbers) - _LISTED_NUMBERS} more" if len(numbers) > _LISTED_NUMBERS else ""
    return MissingFact(
        what=f"rolled part {listed}{more} of the event log",
        reason="the parts are numbered in a row and no file has this number; copy it as well",
        effect=_LOWER_BOUNDS,
    )


def _contradiction(number: int, used: LogPart, other: LogPart) -> MissingFact:
    return MissingFact(
        what=f"a single rolled part {number} of the event log",
        reason=f"{used.name} and {other.name} both have this number and differ; the first is used",
        effect="Events that only the other holds are not counted.",
    )


def have_equal_content(one: LogPart, other: LogPart) -> bool:
    """Whether two parts hold the same plain bytes; damaged ones never do."""
    if one.name == other.name:
        return True
    try:
        return all(left == right for left, right in zip_longest(_pages(one), _pages(other)))
    except DamagedPart:
        return False


def _pages(part: LogPart) -> Iterator[bytes]:
    feed = Feed(part.open())
    while page := feed.take(CHUNK_BYTES):
        yield page
