"""Gzip members in, plain chunks out (RFC 1952); several members in a row are one stream."""

import zlib
from collections.abc import Iterator
from typing import Final

from isocost.eventlog.codecs.feed import CHUNK_BYTES, Feed
from isocost.eventlog.parts import DamagedPart
from isocost.units import BYTES_PER_KIB

MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW_BITS: Final = zlib.MAX_WBITS | 16
# zlib copies what it did not consume on each call; with a small input slice that copy is small.
_INPUT_BYTES: Final = 64 * BYTES_PER_KIB


def decode(feed: Feed) -> Iterator[bytes]:
    """Yield the members' plain bytes.

    Raises:
        DamagedPart: if a member ends early or its data are inconsistent.
    """
    while _another_member(feed):
        yield from _member(feed)


def _another_member(feed: Feed) -> bool:
    """Whether a member follows; zeros, which tape and block writers pad with, are skipped."""
    start = feed.offset_bytes
    while head := feed.peek(len(MAGIC)):
        if head == MAGIC or head == MAGIC[: len(head)]:
            return True
        if start == 0 or head[0]:
            raise DamagedPart("something that is no gzip follows", offset_bytes=feed.offset_bytes)
        feed.take(1)
    return False


def _member(feed: Feed) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
    while not inflater.eof:
        packed = inflater.unconsumed_tail or feed.take_some(_INPUT_BYTES)
        if not packed:
            raise DamagedPart("the gzip stream ends early", offset_bytes=feed.offset_bytes)
        try:
            plain = inflater.decompress(packed, CHUNK_BYTES)
        except zlib.error as error:
            at = feed.offset_bytes - len(packed)
            raise DamagedPart(f"gzip says {error}", offset_bytes=at) from error
        if plain:
            yield plain
    feed.give_back(inflater.unused_data)
