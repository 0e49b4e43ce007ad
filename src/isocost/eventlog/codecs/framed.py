"""Spark's lz4 and snappy framings in, plain chunks out: a length before each block, no index.

lz4: net.jpountz.lz4.LZ4BlockOutputStream. snappy: org.xerial.snappy.SnappyOutputStream. Both may
hold several streams in a row, as a log does that was appended to.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn

import cramjam

from isocost.eventlog.codecs.feed import CHUNK_BYTES, MAX_BLOCK_BYTES, Feed
from isocost.eventlog.parts import DamagedPart

LZ4_MAGIC: Final = b"LZ4Block"
SNAPPY_MAGIC: Final = b"\x82SNAPPY\x00"

# Magic, token (method, level), compressed and original length and xxHash32 of the original, all
# little-endian. The hash is not checked: a damaged block fails to decode or gives events that do
# not parse, and hashing would cost more than decoding.
_LZ4_HEADER: Final = struct.Struct("<8sBIII")
_LZ4_METHOD_MASK: Final = 0xF0
_LZ4_STORED: Final = 0x10
_LZ4_PACKED: Final = 0x20

_SNAPPY_HEADER_BYTES: Final = 16  # magic, version, lowest compatible version
_LENGTH_BYTES: Final = 4


def gather(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks joined to chunks of about `CHUNK_BYTES`; what came before a damage as well."""
    pending: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            pending.append(block)
            size += len(block)
            if size >= CHUNK_BYTES:
                yield b"".join(pending)
                pending, size = [], 0
    except DamagedPart as damage:
        if size:
            yield b"".join(pending)
        raise damage from damage.__cause__
    if size:
        yield b"".join(pending)


def decode_lz4(feed: Feed) -> Iterator[bytes]:
    """Yield the plain bytes of LZ4Block streams.

    Raises:
        DamagedPart: if a stream has no end mark, a block is cut or cannot be decoded.
    """
    return gather(_lz4_blocks(feed))


def decode_snappy(feed: Feed) -> Iterator[bytes]:
    """Yield the plain bytes of xerial snappy streams.

    The framing has no end mark, so a cut between two blocks looks like an end.

    Raises:
        DamagedPart: if a block is cut or cannot be decoded.
    """
    return gather(_snappy_blocks(feed))


def _lz4_blocks(feed: Feed) -> Iterator[bytes]:
    scratch = memoryview(bytearray(0))
    plain_bytes = 0
    while header := feed.take(_LZ4_HEADER.size):
        is_packed, packed_bytes, plain_bytes = _lz4_header(feed, header)
        packed = feed.take(packed_bytes)
        if len(packed) < packed_bytes:
            _fail(feed, "the lz4 stream ends inside a block", len(header) + len(packed))
        if not is_packed:
            yield packed
            continue
        if plain_bytes > len(scratch):
            scratch = memoryview(bytearray(plain_bytes))
        yield _lz4_block(feed, packed, scratch[:plain_bytes])
    if plain_bytes:
        _fail(feed, "the lz4 stream ends without its end mark", 0)


def _lz4_header(feed: Feed, header: bytes) -> tuple[bool, int, int]:
    """Return whether the block is packed, its stored and its plain length."""
    if len(header) < _LZ4_HEADER.size:
        _fail(feed, "the lz4 stream ends inside a block header", len(header))
    magic, token, packed_bytes, plain_bytes, _ = _LZ4_HEADER.unpack(header)
    method = token & _LZ4_METHOD_MASK
    if magic != LZ4_MAGIC or method not in {_LZ4_STORED, _LZ4_PACKED}:
        _fail(feed, "something that is no lz4 block follows", len(header))
    if max(packed_bytes, plain_bytes) > MAX_BLOCK_BYTES:
        _fail(feed, "an lz4 block claims an impossible length", len(header))
    if method == _LZ4_STORED and packed_bytes != plain_bytes:
        _fail(feed, "a stored lz4 block claims two lengths", len(header))
    return method == _LZ4_PACKED, packed_bytes, plain_bytes


def _lz4_block(feed: Feed, packed: bytes, scratch: memoryview) -> bytes:
    try:
        count = cramjam.lz4.decompress_block_into(packed, scratch, output_len=len(scratch))
    except cramjam.DecompressionError as error:
        at = feed.offset_bytes - len(packed)
        raise DamagedPart(f"lz4 says {error}", offset_bytes=at) from error
    if count != len(scratch):
        _fail(feed, "an lz4 block is shorter than it claims", len(packed))
    return bytes(scratch)


def _snappy_blocks(feed: Feed) -> Iterator[bytes]:
    while head := feed.peek(len(SNAPPY_MAGIC)):
        if head == SNAPPY_MAGIC:
            header = feed.take(_SNAPPY_HEADER_BYTES)
            if len(header) < _SNAPPY_HEADER_BYTES:
                _fail(feed, "the snappy stream ends inside its header", len(header))
            continue
        length = feed.take(_LENGTH_BYTES)
        packed_bytes = int.from_bytes(length, "big")
        if len(length) == _LENGTH_BYTES and packed_bytes > MAX_BLOCK_BYTES:
            _fail(feed, "a snappy block claims an impossible length", _LENGTH_BYTES)
        packed = feed.take(packed_bytes)
        if len(length) < _LENGTH_BYTES or len(packed) < packed_bytes:
            _fail(feed, "the snappy stream ends inside a block", len(length) + len(packed))
        if packed:
            yield _snappy_block(feed, packed)


def _snappy_block(feed: Feed, packed: bytes) -> bytes:
    try:
        if cramjam.snappy.decompress_raw_len(packed) > MAX_BLOCK_BYTES:
            _fail(feed, "a snappy block claims an impossible length", len(packed))
        return bytes(cramjam.snappy.decompress_raw(packed))
    except cramjam.DecompressionError as error:
        at = feed.offset_bytes - len(packed)
        raise DamagedPart(f"snappy says {error}", offset_bytes=at) from error


def _fail(feed: Feed, reason: str, taken_bytes: int) -> NoReturn:
    raise DamagedPart(reason, offset_bytes=feed.offset_bytes - taken_bytes)
