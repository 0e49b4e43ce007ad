"""Stored files in, applications out: which parts belong together, in what order, what is missing.

Three layouts are known. A file on its own is an application. Spark's rolled logs are directories
`eventlog_v2_<app>[_<attempt>]` with `events_<n>_<app>…`, ordered by n. Databricks names its parts
by date, and says in the first line of each which context it belongs to and its number.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from isocost.domain.profile import MissingFact
from isocost.eventlog.heads import Candidate, Looks
from isocost.eventlog.numbering import LOWER_BOUNDS, in_a_row
from isocost.eventlog.parts import ApplicationLog, FailedLog, OpenedLogs

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
        self._adopt_unlabelled()

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

    def _adopt_unlabelled(self) -> None:
        """Give parts that lost their first line to the context, if only one lies beside them."""
        for folder in list(self.dated):
            beside = [
                group
                for group in self.contexts.values()
                if any(candidate.folder == folder for candidate in group)
            ]
            if len(beside) == 1:
                beside[0].extend(self.dated.pop(folder))


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
    row = in_a_row(
        group, lambda candidate: numbers[candidate.part.name], first, label="rolled part"
    )
    return ApplicationLog(group[0].folder, row.parts, (*missing, *row.missing), row.notes)


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
        effect=LOWER_BOUNDS,
    )


def _databricks(sorting: _Sorting) -> list[ApplicationLog]:
    logs = [_context(sorting, context_id) for context_id in sorting.contexts]
    for folder, group in sorting.dated.items():
        parts = tuple(candidate.part for candidate in sorted(group, key=_date_key))
        logs.append(ApplicationLog(folder, parts, _missing_newest(group)))
    return logs


def _context(sorting: _Sorting, context_id: int) -> ApplicationLog:
    group = sorting.contexts[context_id]
    label = f"part of SparkContext {context_id} with rollover number"
    numbers = _rollover_numbers(group)
    row = in_a_row(group, lambda candidate: numbers[candidate.part.name], 0, label=label)
    missing = (*row.missing, *_missing_newest(group), *_missing_labels(group))
    location = _shallowest_folder(group) if len(group) > 1 else group[0].part.name
    strangers = _strangers(sorting, context_id)
    if not strangers:
        return ApplicationLog(location, row.parts, missing, row.notes)
    note = MissingFact(
        what=f"SparkContext {', '.join(str(other) for other in strangers)}",
        reason=f"{_shallowest_folder(group)} holds parts of {len(strangers) + 1} contexts",
        effect=f"None: each is read on its own; this is SparkContext {context_id}.",
    )
    name = f"{location} (SparkContext {context_id})"
    return ApplicationLog(name, row.parts, missing, (*row.notes, note))


def _strangers(sorting: _Sorting, context_id: int) -> list[int]:
    """Return the other contexts that have parts in the same folders."""
    folders = {candidate.folder for candidate in sorting.contexts[context_id]}
    return [
        other
        for other, group in sorting.contexts.items()
        if other != context_id and any(candidate.folder in folders for candidate in group)
    ]


def _shallowest_folder(group: Sequence[Candidate]) -> str:
    return min((candidate.folder for candidate in group), key=len)


def _rollover_numbers(group: Sequence[Candidate]) -> dict[str, int]:
    """Return each part's number by its name; one that lost it follows its predecessor by date."""
    numbers: dict[str, int] = {}
    number = -1
    for candidate in sorted(group, key=_date_key):
        databricks = candidate.head.databricks
        number = databricks.rollover_number if databricks else number + 1
        numbers[candidate.part.name] = number
    return numbers


def _missing_labels(group: Sequence[Candidate]) -> list[MissingFact]:
    return [
        MissingFact(
            what=f"rollover number of {candidate.part.name}",
            reason="its first line is no DBCEventLoggingListenerMetadata, though others have one",
            effect="It is placed by the date in its name; its first events may be lost.",
        )
        for candidate in group
        if not candidate.head.databricks
    ]


def _missing_newest(group: Sequence[Candidate]) -> tuple[MissingFact, ...]:
    """Databricks keeps the newest part under the plain name; a single file may be a choice."""
    if len(group) == 1 or not all(_DATED.match(candidate.file_name) for candidate in group):
        return ()
    fact = MissingFact(
        what="the newest part of the event log, called `eventlog`",
        reason="only dated parts are here; the newest has no date in its name; copy it as well",
        effect=LOWER_BOUNDS,
    )
    return (fact,)


def _date_key(candidate: Candidate) -> tuple[bool, str, str]:
    """Order by the date in the name; the plain `eventlog` is the newest."""
    dated = _DATED.match(candidate.file_name)
    return (dated is None, dated[1] if dated else "", candidate.path)
