"""A tar archive's plain bytes in, its files one after the other out (POSIX ustar, pax, GNU)."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn

from isocost.eventlog.archive import Budget, Member
from isocost.eventlog.codecs.feed import CHUNK_BYTES, Feed
from isocost.eventlog.parts import DamagedPart
from isocost.units import BYTES_PER_MIB

_BLOCK_BYTES: Final = 512
_MAGIC: Final = b"ustar"
_MAGIC_AT: Final = 257
# A path takes some hundred bytes; tarfile would read whatever length such an entry claims.
_MAX_EXTENSION_BYTES: Final = BYTES_PER_MIB
_MAX_NUMBER_DIGITS: Final = 20
_EXTENSIONS: Final = {
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
}
_WITHOUT_DATA: Final = {
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
}


def is_tar(start: bytes) -> bool:
    """Whether plain bytes that start so are a tar archive."""
    return start[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC


@dataclass(slots=True)
class _Extension:
    """What extension entries say of the entry that follows them."""

    name: str | None = None
    size_bytes: int | None = None


def walk(feed: Feed, budget: Budget) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Yield each file and its bytes; they must be taken, if at all, before the next file.

    Raises:
        DamagedPart: if the archive is cut or holds something else.
        InvalidInput: if it claims more than the budget allows.
    """
    extension = _Extension()
    while block := feed.take(_BLOCK_BYTES):
        if not any(block):
            return
        entry = _entry(feed, block)
        if entry.type in _EXTENSIONS:
            budget.spend(entry.size)
            _extend(extension, entry, _extension_bytes(feed, entry))
            continue
        size = 0 if entry.type in _WITHOUT_DATA else extension.size_bytes or entry.size
        budget.spend(size)
        end = feed.offset_bytes + size
        if entry.isreg():
            name = (extension.name or entry.name).removeprefix("./")
            member = Member(name, feed.offset_bytes, size, _modified_at(entry))
            yield member, _bytes(feed, size)
        _skip_to(feed, end + -size % _BLOCK_BYTES)
        extension = _Extension()


def member_bytes(feed: Feed, member: Member) -> Iterator[bytes]:
    """Yield a file's bytes from a feed that stands before it; leaves the feed behind it.

    Raises:
        DamagedPart: if the archive is cut before the file's end.
    """
    _skip_to(feed, member.offset_bytes)
    yield from _bytes(feed, member.size_bytes)


def _bytes(feed: Feed, count: int) -> Iterator[bytes]:
    end = feed.offset_bytes + count
    while feed.offset_bytes < end:
        piece = feed.take_some(min(CHUNK_BYTES, end - feed.offset_bytes))
        if not piece:
            _fail(feed)
        yield piece


def _skip_to(feed: Feed, offset_bytes: int) -> None:
    for _ in _bytes(feed, offset_bytes - feed.offset_bytes):
        pass


def _entry(feed: Feed, block: bytes) -> tarfile.TarInfo:
    at = feed.offset_bytes - len(block)
    try:
        entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise DamagedPart(f"a tar entry cannot be read ({error})", offset_bytes=at) from error
    if entry.size < 0:
        raise DamagedPart("a tar entry claims a negative size", offset_bytes=at)
    return entry


def _modified_at(entry: tarfile.TarInfo) -> datetime | None:
    try:
        return datetime.fromtimestamp(entry.mtime, UTC) if entry.mtime > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def _extension_bytes(feed: Feed, entry: tarfile.TarInfo) -> bytes:
    if entry.size > _MAX_EXTENSION_BYTES:
        raise DamagedPart("a tar extension is too long", offset_bytes=feed.offset_bytes)
    body = b"".join(_bytes(feed, entry.size))
    _skip_to(feed, feed.offset_bytes + -entry.size % _BLOCK_BYTES)
    return body


def _extend(extension: _Extension, entry: tarfile.TarInfo, body: bytes) -> None:
    if entry.type == tarfile.GNUTYPE_LONGNAME:
        extension.name = body.rstrip(b"\0").decode("utf-8", "surrogateescape")
    if entry.type == tarfile.XHDTYPE:
        records = _pax_records(body)
        extension.name = records.get("path", extension.name)
        extension.size_bytes = _number(records.get("size", "")) or extension.size_bytes


def _number(digits: str) -> int:
    """Return a decimal number; 0 if it is none."""
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_NUMBER_DIGITS
    return int(digits) if is_number else 0


def _pax_records(body: bytes) -> dict[str, str]:
    """Return `length key=value` records; the length counts the whole record."""
    records: dict[str, str] = {}
    while body:
        digits, _, _ = body.partition(b" ")
        length = _number(digits.decode("ascii", "replace"))
        if not 0 < length <= len(body):
            break
        record, body = body[len(digits) + 1 : length], body[length:]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
    return records


def _fail(feed: Feed) -> NoReturn:
    raise DamagedPart("the tar archive ends inside a file", offset_bytes=feed.offset_bytes)
