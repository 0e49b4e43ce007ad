"""Plain bytes in, the framings that Spark compresses event logs with out.

For tests and benchmarks; written to be read, not to be fast. The encoders exist because no Python
library writes these framings, and a reader is proven only by a writer that was made apart from it.
"""

import gzip
import struct
from collections.abc import Callable, Iterator
from typing import Final

import cramjam
import zstandard

from isocost.units import BYTES_PER_KIB

# Spark's defaults: spark.io.compression.{lz4,snappy}.blockSize.
BLOCK_BYTES: Final = 32 * BYTES_PER_KIB
_LZ4_LEVEL: Final = 5  # block sizes up to 1 << (10 + level), which is 32 KiB
_LZ4_PACKED: Final = 0x20 | _LZ4_LEVEL
_LZ4_STORED: Final = 0x10 | _LZ4_LEVEL
_SNAPPY_HEADER: Final = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)

_LZF_BLOCK_BYTES: Final = 0xFFFF
_LZF_MAX_LITERAL_BYTES: Final = 32
_LZF_MAX_DISTANCE: Final = 1 << 13
_LZF_MAX_MATCH_BYTES: Final = 264
_LZF_MIN_MATCH_BYTES: Final = 3


def gzip_stream(plain: bytes) -> bytes:
    """Return one gzip member."""
    return gzip.compress(plain, mtime=0)


def zstd_stream(plain: bytes) -> bytes:
    """Return one zstd frame as Spark writes it: in a stream, its length unknown at the start."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    flushed = b"".join(
        compressor.compress(block) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for block in _cut(plain, BLOCK_BYTES)
    )
    return flushed + compressor.flush()


def lz4_stream(plain: bytes) -> bytes:
    """Return an LZ4Block stream with its end mark; its hashes, which none checks, are zero."""
    frames = [_lz4_block(block) for block in _cut(plain, BLOCK_BYTES)]
    return b"".join(frames) + _lz4_header(_LZ4_STORED, 0, 0)


def snappy_stream(plain: bytes) -> bytes:
    """Return a xerial snappy stream."""
    packed = [bytes(cramjam.snappy.compress_raw(block)) for block in _cut(plain, BLOCK_BYTES)]
    return _SNAPPY_HEADER + b"".join(struct.pack(">i", len(block)) + block for block in packed)


def lzf_stream(plain: bytes) -> bytes:
    """Return an lzf stream; blocks that do not shrink are stored as they are."""
    return b"".join(_lzf_block(block) for block in _cut(plain, _LZF_BLOCK_BYTES))


ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip_stream,
    "zstd": zstd_stream,
    "lz4": lz4_stream,
    "snappy": snappy_stream,
    "lzf": lzf_stream,
}


def _cut(plain: bytes, block_bytes: int) -> Iterator[bytes]:
    return (plain[at : at + block_bytes] for at in range(0, len(plain), block_bytes))


def _lz4_block(plain: bytes) -> bytes:
    packed = bytes(cramjam.lz4.compress_block(plain, store_size=False))
    if len(packed) >= len(plain):
        return _lz4_header(_LZ4_STORED, len(plain), len(plain)) + plain
    return _lz4_header(_LZ4_PACKED, len(packed), len(plain)) + packed


def _lz4_header(token: int, packed_bytes: int, plain_bytes: int) -> bytes:
    return struct.pack("<8sBIII", b"LZ4Block", token, packed_bytes, plain_bytes, 0)


def _lzf_block(plain: bytes) -> bytes:
    packed = _lzf_packed(plain)
    if len(packed) >= len(plain):
        return struct.pack(">2sBH", b"ZV", 0, len(plain)) + plain
    return struct.pack(">2sBHH", b"ZV", 1, len(packed), len(plain)) + packed


def _lzf_packed(plain: bytes) -> bytes:
    packed = bytearray()
    seen: dict[bytes, int] = {}
    at = literals_from = 0
    while at <= len(plain) - _LZF_MIN_MATCH_BYTES:
        key = plain[at : at + _LZF_MIN_MATCH_BYTES]
        earlier = seen.get(key, -_LZF_MAX_DISTANCE)
        seen[key] = at
        if at - earlier >= _LZF_MAX_DISTANCE:
            at += 1
            continue
        count = _match_bytes(plain, earlier, at)
        packed += _lzf_literals(plain[literals_from:at]) + _lzf_reference(at - earlier, count)
        at = literals_from = at + count
    return bytes(packed + _lzf_literals(plain[literals_from:]))


def _match_bytes(plain: bytes, earlier: int, at: int) -> int:
    most = min(_LZF_MAX_MATCH_BYTES, len(plain) - at)
    count = _LZF_MIN_MATCH_BYTES
    while count < most and plain[earlier + count] == plain[at + count]:
        count += 1
    return count


def _lzf_literals(plain: bytes) -> bytes:
    runs = _cut(plain, _LZF_MAX_LITERAL_BYTES)
    return b"".join(bytes((len(run) - 1,)) + run for run in runs)


def _lzf_reference(distance: int, count: int) -> bytes:
    high, low = divmod(distance - 1, 256)
    code = count - 2
    if code < 7:
        return bytes((code << 5 | high, low))
    return bytes((7 << 5 | high, code - 7, low))
