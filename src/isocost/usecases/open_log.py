"""A location the user typed in; the event logs that lie there, ready to be read, out."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from isocost.clouds.base import LogStore, StoredFile
from isocost.errors import InvalidInput, NotAnEventLog, PlatformError, UserError
from isocost.eventlog.codecs.detect import decompress
from isocost.eventlog.heads import WHERE_LOGS_ARE, Candidate, Looks, read_head
from isocost.eventlog.layout import arrange, is_junk, is_marked_in_progress
from isocost.eventlog.parts import (
    ApplicationLog,
    DamagedPart,
    FailedLog,
    LogPart,
    OpenedLogs,
)
from isocost.usecases.open_archive import open_archive

LogStores = Sequence[LogStore]

# The head of each file is one request; a remote place answers eight at once as fast as one.
_READERS: Final = 8


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Opens one stored file as plain chunks; a value that can be pickled."""

    store: LogStore
    file: StoredFile

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's plain bytes; raises as `LogPart.open` says."""
        try:
            yield from decompress(self.store.chunks(self.file))
        except DamagedPart as damage:
            raise damage.within(self.file.location) from damage


def open_logs(location: str, stores: LogStores) -> OpenedLogs:
    """Return every application that lies at a location, whatever its layout and codec.

    One bad log among several is returned with its error; it stops none of the others.

    Args:
        location: a file, folder or archive: a path or a URL that one of the stores handles.
        stores: asked in this order.

    Raises:
        NotFound: nothing is there.
        NotAnEventLog: no file there holds a Spark event.
        UnreadableLog: the only log there is damaged before its first event.
        InvalidInput: no store handles such a location, or it is malformed.
        PlatformError: the place refused or failed.
    """
    store = _store_of(location, stores)
    shown = _shown(location)
    files = [file for file in store.find(location) if not is_junk(file.path)]
    with ThreadPoolExecutor(_READERS) as pool:
        finds = list(pool.map(lambda file: _find(store, file), files))
    candidates = [find for find in finds if isinstance(find, Candidate)]
    archives = [find for find in finds if isinstance(find, OpenedLogs)]
    opened = _joined(shown, [arrange(shown, candidates), *archives]).named_as_asked()
    if opened.applications or len(opened.failed) > 1:
        return opened
    if len(candidates) == len(finds) == 1 and candidates[0].head.error:
        raise candidates[0].head.error
    if opened.failed:
        raise opened.failed[0].error
    raise NotAnEventLog(_nothing(shown, len(files)))


def open_one(location: str, stores: LogStores) -> ApplicationLog:
    """Return the only application at a location; raises as `open_logs` does.

    Raises:
        InvalidInput: if there are several.
    """
    opened = open_logs(location, stores)
    if len(opened.applications) == 1 and not opened.failed:
        return opened.applications[0]
    places = [log.location for log in opened.applications + opened.failed]
    raise InvalidInput(
        f"{opened.location} holds {len(places)} event logs; expected one. Name one of "
        f"them, such as {places[0]}."
    )


def _store_of(location: str, stores: LogStores) -> LogStore:
    for store in stores:
        if store.handles(location):
            return store
    raise InvalidInput(
        f"{_shown(location)} is of no known form. Expected a path, file://, s3://, abfss://, "
        "wasbs://, https://<account>.blob.core.windows.net/, dbfs:/ or /Volumes/."
    )


def _shown(location: str) -> str:
    """Return a location without what may be a secret: the query of a URL, such as a SAS token."""
    return location.partition("?")[0] if location.startswith("https://") else location


def _find(store: LogStore, file: StoredFile) -> Candidate | OpenedLogs:
    part = LogPart(
        file.location,
        StoredPart(store, file).chunks,
        file.size_bytes,
        file.modified_at,
        is_in_progress=is_marked_in_progress(file.path),
    )
    try:
        head = read_head(part.name, part.open())
        if head.looks not in {Looks.ZIP, Looks.TAR}:
            return Candidate(file.path, part, head)
        return open_archive(store, file, head.looks)
    except (UserError, PlatformError) as error:
        return OpenedLogs(file.location, (), (FailedLog(file.location, error),))


def _joined(location: str, opened: Sequence[OpenedLogs]) -> OpenedLogs:
    return OpenedLogs(
        location,
        tuple(log for logs in opened for log in logs.applications),
        tuple(log for logs in opened for log in logs.failed),
        tuple(stray for logs in opened for stray in logs.strays),
    )


def _nothing(location: str, file_count: int) -> str:
    found = f"{file_count} files, none of which holds a Spark event" if file_count else "no file"
    return f"{location} holds {found}. {WHERE_LOGS_ARE}."
