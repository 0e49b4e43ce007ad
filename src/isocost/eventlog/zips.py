"""A seekable zip archive in, its files one after the other out."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from isocost.errors import UnreadableLog
from isocost.eventlog.archive import Budget, Member
from isocost.eventlog.codecs.feed import CHUNK_BYTES
from isocost.eventlog.parts import DamagedPart
from isocost.units import BYTES_PER_MIB

_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06")
# Encrypted, patched, strongly encrypted: bits 0, 5 and 6 of the general purpose flag.
_UNREADABLE_FLAGS: Final = 0x61
# The others are decoded by libraries that unpack a whole input at once, which is unbounded.
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# One request of the buffered reader; a zip is read from its end, then member by member.
_BUFFER_BYTES: Final = BYTES_PER_MIB
# The central directory is read at once: 100 bytes for each of 10,000 entries are 1 MB.
_MAX_READ_BYTES: Final = 64 * BYTES_PER_MIB

# What zipfile lets through where an archive contradicts itself.
_FAULTS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)

ReadAt = Callable[[int, int], bytes]


def is_zip(start: bytes) -> bool:
    """Whether a file that starts so is a zip archive."""
    return start.startswith(_MAGICS)


class SeekableRanges:
    """A binary file over range requests, read-only and buffered, as `zipfile` needs it.

    Args:
        read_at: returns up to `count` bytes from `start`.
    """

    def __init__(self, read_at: ReadAt, size_bytes: int) -> None:
        self._read_at = read_at
        self._size = size_bytes
        self._at = 0
        self._buffer = b""
        self._buffer_at = 0

    def seekable(self) -> bool:
        """Whether `seek` works: always."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to an offset from the start, the present place or the end."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        """Return the present place."""
        return self._at

    def read(self, count: int | None = -1, /) -> bytes:
        """Return up to `count` bytes, all up to the end if negative.

        Raises:
            UnreadableLog: if that is more than any part of a sound archive takes.
        """
        left = max(0, self._size - self._at)
        count = left if count is None or count < 0 else min(count, left)
        if count > _MAX_READ_BYTES:
            raise UnreadableLog(
                f"The zip archive has a directory of {count:,} bytes; expected some megabytes at "
                "most. Unpack it and pass the folder."
            )
        start = self._at - self._buffer_at
        if not 0 <= start <= start + count <= len(self._buffer):
            self._buffer = self._read_at(self._at, min(left, max(count, _BUFFER_BYTES)))
            self._buffer_at, start = self._at, 0
        piece = self._buffer[start : start + count]
        self._at += len(piece)
        return piece


def walk(
    file: SeekableRanges, archive: str, budget: Budget
) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Yield each file and its bytes.

    Raises:
        UnreadableLog: if the archive has no directory: it is cut, or no zip at all.
        InvalidInput: if it claims more than the budget allows.
    """
    opened = _opened(file, archive)
    infos = [info for info in opened.infolist() if not info.is_dir()]
    for info in infos:
        budget.spend(info.file_size)
    for info in infos:
        member = Member(info.filename, info.header_offset, info.file_size, _modified_at(info))
        yield member, _bytes(opened, info)


def member_bytes(file: SeekableRanges, archive: str, member: Member) -> Iterator[bytes]:
    """Yield the bytes of a member found by `walk`; raises as it does, and `DamagedPart`."""
    opened = _opened(file, archive)
    for info in opened.infolist():
        if info.header_offset == member.offset_bytes and info.filename == member.name:
            return _bytes(opened, info)
    raise UnreadableLog(f"{archive} has changed while it was read. Repeat the command.")


def _opened(file: SeekableRanges, archive: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _FAULTS as error:
        raise UnreadableLog(
            f"{archive} starts as a zip archive but has no readable directory at its end "
            f"({error}); it was probably cut while being copied. Copy it anew."
        ) from error


def _bytes(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    if info.flag_bits & _UNREADABLE_FLAGS:
        raise DamagedPart("it is encrypted; unpack the archive first", offset_bytes=0)
    if info.compress_type not in _METHODS:
        reason = f"zip method {info.compress_type} is not read; unpack the archive first"
        raise DamagedPart(reason, offset_bytes=0)
    good_bytes = 0
    try:
        with opened.open(info) as stream:
            while piece := stream.read(CHUNK_BYTES):
                good_bytes += len(piece)
                yield piece
    except _FAULTS as error:
        raise DamagedPart(f"zip says {error}", offset_bytes=good_bytes) from error


def _modified_at(info: zipfile.ZipInfo) -> datetime | None:
    """Return the time in the directory, which has no zone; UTC is the best guess there is."""
    try:
        return datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return None
