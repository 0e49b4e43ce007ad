"""A stored file's first bytes in; whether Spark wrote it, and its Databricks number, out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from isocost.errors import IsocostError, NotAnEventLog, UnreadableLog
from isocost.eventlog.parts import DamagedPart, LogPart
from isocost.eventlog.tar import is_tar
from isocost.eventlog.zips import is_zip
from isocost.units import BYTES_PER_KIB

# The first line of a log is its shortest: a version or a part number. A part that was cut out of
# the middle starts with some event; 64 KiB hold the start of any, for `Event` is its first key.
HEAD_BYTES: Final = 64 * BYTES_PER_KIB

_EVENT: Final = re.compile(rb'^\s*\{\s*"Event"\s*:\s*"[\w.$]+"', re.MULTILINE)
_METADATA: Final = b"DBCEventLoggingListenerMetadata"
_FOREIGN: Final = (
    (re.compile(rb"\A\s*<(!doctype|html|\?xml)", re.IGNORECASE), "a web page or XML"),
    (re.compile(rb"\A\s*[\[{]"), "JSON, but not Spark's one event a line"),
    (re.compile(rb"\APAR1"), "a Parquet file"),
    (re.compile(rb"\AORC"), "an ORC file"),
    (re.compile(rb"\A\xfd7zXZ\x00"), "xz, a codec Spark does not write: unpack it first"),
    (re.compile(rb"\ABZh[1-9]"), "bzip2, a codec Spark does not write: unpack it first"),
    (re.compile(rb"\A\x04\x22\x4d\x18"), "an lz4 file of the command line: unpack it first"),
    (re.compile(rb"\A7z\xbc\xaf"), "a 7-Zip archive: unpack it first"),
    (re.compile(rb"\A[^\x00-\x08\x0e-\x1f]*\Z"), "text without any"),
)
WHERE_LOGS_ARE: Final = (
    "Pass what Spark wrote below spark.eventLog.dir (its history directory), or on Databricks "
    "<cluster log destination>/<cluster id>/eventlog"
)


class Looks(Enum):
    """What the head of a file tells."""

    EVENTS = "events"
    EMPTY = "empty"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"
    ZIP = "zip"
    TAR = "tar"


@dataclass(frozen=True, slots=True)
class DatabricksPart:
    """What Databricks writes into the first line of each part."""

    context_id: int
    rollover_number: int


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a part.

    Attributes:
        error: why the part cannot be read on its own; None where it holds events.
        databricks: None where the first line is no part metadata.
    """

    looks: Looks
    error: IsocostError | None = None
    databricks: DatabricksPart | None = None


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


class _Metadata(
    msgspec.Struct, rename={"number": "Rollover Number", "context": "SparkContext Id"}
):
    number: int
    context: int


def read_head(name: str, chunks: Iterator[bytes]) -> Head:
    """Return what the first plain bytes of a part tell; a damaged part is an answer, no error.

    Args:
        name: of the part, for messages.
        chunks: as `LogPart.open` gives them; most are left untaken.

    Raises:
        PlatformError: if the place where the part is stored fails.
        NotFound: if the part is gone.
    """
    start, damage = _start(chunks)
    if is_zip(start):
        return Head(Looks.ZIP)
    if is_tar(start):
        return Head(Looks.TAR)
    if _EVENT.search(start):
        return Head(Looks.EVENTS, databricks=_databricks(start))
    if damage:
        return Head(Looks.UNREADABLE, _unreadable(name, damage))
    if not start.strip():
        return Head(Looks.EMPTY, _empty(name))
    return Head(Looks.FOREIGN, _foreign(name, start))


def _start(chunks: Iterator[bytes]) -> tuple[bytes, DamagedPart | None]:
    start = b""
    try:
        for chunk in chunks:
            start += chunk[: HEAD_BYTES - len(start)]
            if len(start) >= HEAD_BYTES:
                break
    except DamagedPart as damage:
        return start, damage
    return start, None


def _databricks(start: bytes) -> DatabricksPart | None:
    line = start.lstrip().split(b"\n", 1)[0]
    if _METADATA not in line:
        return None
    try:
        metadata = msgspec.json.decode(line, type=_Metadata)
    except msgspec.DecodeError:
        return None
    return DatabricksPart(metadata.context, metadata.number)


def _unreadable(name: str, damage: DamagedPart) -> UnreadableLog:
    return UnreadableLog(
        f"{name} is damaged before its first event: {damage.reason} at byte "
        f"{damage.offset_bytes:,}. If Spark is still writing it, wait until the application ends; "
        "else copy the file anew from where Spark wrote it."
    )


def _empty(name: str) -> NotAnEventLog:
    return NotAnEventLog(
        f"{name} is empty; expected Spark's events, one JSON object a line. If the application "
        f"has just started, wait until it has run. {WHERE_LOGS_ARE}."
    )


def _foreign(name: str, start: bytes) -> NotAnEventLog:
    kind = next((what for pattern, what in _FOREIGN if pattern.search(start)), "binary data")
    return NotAnEventLog(
        f"{name} is no event log: it holds {kind}; expected lines such as "
        f'{{"Event":"SparkListenerApplicationStart",…}}. {WHERE_LOGS_ARE}.'
    )
