"""Zstandard frames in, plain chunks out (RFC 8878), whole blocks at a time.

The library's own readers end silently where a stream is cut, and may turn a few hostile bytes into
gigabytes at once. So the block headers are walked here: it costs one look per 128 KiB of text,
tells a cut from an end, and bounds what one call may produce.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

import zstandard

from isocost.eventlog.codecs.feed import CHUNK_BYTES, Feed
from isocost.eventlog.parts import DamagedPart
from isocost.units import BYTES_PER_KIB

MAGIC: Final = b"\x28\xb5\x2f\xfd"
SKIPPABLE_MAGIC_TAIL: Final = b"\x2a\x4d\x18"  # after one byte 0x50 to 0x5f
_MAGIC_BYTES: Final = 4
# Block_Maximum_Size of RFC 8878 section 3.1.1.2.4: no block holds more plain bytes.
_BLOCK_BYTES: Final = 128 * BYTES_PER_KIB
_BLOCKS_AT_ONCE: Final = CHUNK_BYTES // _BLOCK_BYTES
_DICTIONARY_ID_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)
_RLE_BLOCK: Final = 1
_RESERVED_BLOCK: Final = 3


class _Header(NamedTuple):
    stored: bytes
    has_checksum: bool


def is_skippable(magic: bytes) -> bool:
    """Whether these four bytes open a frame that carries no data."""
    return (
        len(magic) == _MAGIC_BYTES
        and magic[0] & 0xF0 == 0x50
        and magic[1:] == (SKIPPABLE_MAGIC_TAIL)
    )


def decode(feed: Feed) -> Iterator[bytes]:
    """Yield the frames' plain bytes.

    Raises:
        DamagedPart: if a frame ends early, a block cannot be decoded, or the window that a frame
            asks for is above the 128 MiB that decoders must support by default.
    """
    decompressor = zstandard.ZstdDecompressor()
    while magic := feed.peek(_MAGIC_BYTES):
        if magic == MAGIC:
            yield from _frame(feed, decompressor)
        elif is_skippable(magic):
            _skip(feed)
        else:
            _fail(feed, "something that is no zstd frame follows")


def _frame(feed: Feed, decompressor: zstandard.ZstdDecompressor) -> Iterator[bytes]:
    header = _header(feed)
    decoder = decompressor.decompressobj(write_size=CHUNK_BYTES)
    pending = [header.stored]
    is_last = False
    while not is_last:
        is_cut = False
        while len(pending) < _BLOCKS_AT_ONCE and not (is_last or is_cut):
            is_last, block = _block(feed)
            is_cut = not block
            pending.append(block)
        if is_last and header.has_checksum:
            pending.append(feed.take(4))
            is_cut = len(pending[-1]) < 4
        plain = _decompress(feed, decoder.decompress, b"".join(pending))
        pending = []
        if plain:
            yield plain
        if is_cut:
            _fail(feed, "the zstd stream ends inside a frame")


def _header(feed: Feed) -> _Header:
    start = feed.take(_MAGIC_BYTES + 1)
    if len(start) <= _MAGIC_BYTES:
        _fail(feed, "the zstd stream ends inside a frame header")
    descriptor = start[-1]
    is_single_segment = bool(descriptor & 0x20)
    content_size_bytes = _CONTENT_SIZE_BYTES[descriptor >> 6] or int(is_single_segment)
    count = (
        (0 if is_single_segment else 1)
        + _DICTIONARY_ID_BYTES[descriptor & 0x03]
        + content_size_bytes
    )
    fields = feed.take(count)
    if len(fields) < count:
        _fail(feed, "the zstd stream ends inside a frame header")
    return _Header(start + fields, has_checksum=bool(descriptor & 0x04))


def _block(feed: Feed) -> tuple[bool, bytes]:
    """Return whether the block is the frame's last, and its stored bytes; none if it is cut."""
    head = feed.take(3)
    if len(head) < 3:
        return False, b""
    field = int.from_bytes(head, "little")
    kind = field >> 1 & 0x03
    count = 1 if kind == _RLE_BLOCK else field >> 3
    if kind == _RESERVED_BLOCK or field >> 3 > _BLOCK_BYTES:
        _fail(feed, "a zstd block header is impossible")
    body = feed.take(count)
    return (bool(field & 1), head + body) if len(body) == count else (False, b"")


def _decompress(feed: Feed, inflate: Callable[[bytes], bytes], stored: bytes) -> bytes:
    try:
        return inflate(stored)
    except zstandard.ZstdError as error:
        at = feed.offset_bytes - len(stored)
        raise DamagedPart(f"zstd says {error}", offset_bytes=at) from error


def _skip(feed: Feed) -> None:
    feed.take(_MAGIC_BYTES)
    size = feed.take(4)
    left = int.from_bytes(size, "little")
    while left and (piece := feed.take_some(left)):
        left -= len(piece)
    if left or len(size) < 4:
        _fail(feed, "the zstd stream ends inside a skippable frame")


def _fail(feed: Feed, reason: str) -> NoReturn:
    raise DamagedPart(reason, offset_bytes=feed.offset_bytes)
