"""The port to whoever keeps event logs: lists what lies at a location, hands out its bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from isocost.errors import InvalidInput
from isocost.units import BYTES_PER_KIB, BYTES_PER_MIB

# A folder of more files is no event log but somebody's data lake; listing it would take minutes.
MAX_FILES: Final = 100_000
# What one piece of `chunks` holds at most.
PIECE_BYTES: Final = BYTES_PER_MIB
# The first request fetches what tells a log from a stray file; the following ones are large enough
# that a round trip of 50 ms costs little at 100 MB/s.
FIRST_RANGE_BYTES: Final = 256 * BYTES_PER_KIB
RANGE_BYTES: Final = 8 * BYTES_PER_MIB


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file.

    Attributes:
        location: complete, as the user would name it.
        path: relative to the location that was listed, with `/` between folders; the file's own
            name if that location is the file itself.
        modified_at: aware, UTC; None if the place does not say.
    """

    location: str
    path: str
    size_bytes: int
    modified_at: datetime | None = None


class LogStore(Protocol):
    """A place that keeps files.

    Reads only. Thread-safe, and can be pickled: a store opens its connections when they are first
    needed, and each process opens its own.
    """

    def handles(self, location: str) -> bool:
        """Whether locations of this form lie here; asks nobody."""
        ...

    def find(self, location: str) -> tuple[StoredFile, ...]:
        """Return the file at a location, or all files at any depth below it, ordered by path.

        A folder with nothing in it gives none.

        Raises:
            NotFound: there is neither file nor folder.
            InvalidInput: the location is malformed, or holds more than `MAX_FILES` files.
            PlatformError: the place refused or failed; the message says which right is missing.
            MissingDependency: the software for the place is not installed.
        """
        ...

    def look_into(self, folder: str) -> None:
        """Try whether a folder may be listed, with one request however much lies below it.

        Raises:
            NotFound: there is no such folder; where folders are but parts of names, nothing in it.
            InvalidInput: the location is malformed.
            PlatformError: the place refused or failed; the message says which right is missing.
            MissingDependency: the software for the place is not installed.
        """
        ...

    def read_range(self, file: StoredFile, start: int, count: int) -> bytes:
        """Return `count` bytes from `start` on; fewer only where the file ends.

        Raises:
            NotFound: the file is gone.
            PlatformError: the place refused or failed.
        """
        ...

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the file's bytes as stored, in pieces of at most `PIECE_BYTES`, none empty.

        Closing the iterator early is allowed and leaves nothing open. Raises as `read_range`.
        """
        ...


ReadRange = Callable[[StoredFile, int, int], bytes]


def chunks_by_range(read_range: ReadRange, file: StoredFile) -> Iterator[bytes]:
    """Yield a file's bytes up to its listed size by one range request after the other."""
    start, count = 0, FIRST_RANGE_BYTES
    while start < file.size_bytes:
        wanted = min(count, file.size_bytes - start)
        piece = read_range(file, start, wanted)
        view = memoryview(piece)
        for at in range(0, len(piece), PIECE_BYTES):
            yield bytes(view[at : at + PIECE_BYTES])
        if len(piece) < wanted:
            return
        start, count = start + len(piece), RANGE_BYTES


def checked_file_count(location: str, count: int) -> None:
    """Refuse a listing of more than `MAX_FILES` files.

    Raises:
        InvalidInput: if there are more.
    """
    if count > MAX_FILES:
        raise InvalidInput(
            f"{location} holds more than {MAX_FILES:,} files, which is no folder of event logs. "
            "Name the folder of one application, one cluster or one Spark history directory."
        )
