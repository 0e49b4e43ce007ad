"""Spark's lzf framing in, plain chunks out; the decompressor is our own, no library has it.

Framing: com.ning.compress.lzf.LZFOutputStream. Each block holds at most 65,535 bytes, and its back
references stay inside it.
"""

from collections.abc import Iterator
from typing import Final, NoReturn

from isocost.eventlog.codecs.feed import Feed
from isocost.eventlog.codecs.framed import gather
from isocost.eventlog.parts import DamagedPart

MAGIC: Final = b"ZV"
_HEADER_BYTES: Final = 5  # magic, type, stored length
_STORED: Final = 0
_PACKED: Final = 1
_LENGTH_BYTES: Final = 2

_FIRST_REFERENCE: Final = 32  # a control byte below it opens that many literal bytes, plus one
_LONG_REFERENCE: Final = 224  # a control byte from here on is followed by one more length byte
_SHORTEST_REFERENCE_BYTES: Final = 3


def decode(feed: Feed) -> Iterator[bytes]:
    """Yield the plain bytes of lzf blocks.

    The framing has no end mark, so a cut between two blocks looks like an end.

    Raises:
        DamagedPart: if a block is cut or cannot be decoded.
    """
    return gather(_blocks(feed))


def _blocks(feed: Feed) -> Iterator[bytes]:
    while header := feed.take(_HEADER_BYTES):
        if not header.startswith(MAGIC[: len(header)]) or header[2:3] > bytes((_PACKED,)):
            _fail(feed, "something that is no lzf block follows", len(header))
        is_packed = header[2:3] == bytes((_PACKED,))
        length = feed.take(_LENGTH_BYTES) if is_packed else b""
        stored_bytes = int.from_bytes(header[3:], "big")
        stored = feed.take(stored_bytes)
        taken = len(header) + len(length) + len(stored)
        is_cut = len(header) < _HEADER_BYTES or len(length) < is_packed * _LENGTH_BYTES
        if is_cut or len(stored) < stored_bytes:
            _fail(feed, "the lzf stream ends inside a block", taken)
        if not is_packed:
            yield stored
            continue
        plain = _unpack(stored)
        if plain is None or len(plain) != int.from_bytes(length, "big"):
            _fail(feed, "an lzf block cannot be decoded", taken)
        yield plain


def _unpack(stored: bytes) -> bytes | None:
    """Return one block's plain bytes; None if it is inconsistent.

    Written for the interpreter, not for the eye: local names and slices only, about 15 operations
    for a pair of literal run and reference, which stand for some 20 bytes of a log.
    """
    plain = bytearray()
    at = 0
    try:
        while True:
            control = stored[at]
            if control < _FIRST_REFERENCE:
                end = at + control + 2
                plain += stored[at + 1 : end]
                at = end
                continue
            if control < _LONG_REFERENCE:
                count = (control >> 5) + 2
                at += 2
            else:
                count = stored[at + 1] + 9
                at += 3
            start = len(plain) - ((control & 31) << 8) - stored[at - 1] - 1
            if start < 0:
                return None
            piece = plain[start : start + count]
            if len(piece) < count:
                piece = (piece * (count // len(piece) + 1))[:count]
            plain += piece
    except IndexError:
        return bytes(plain) if at == len(stored) else None


def _fail(feed: Feed, reason: str, taken_bytes: int) -> NoReturn:
    raise DamagedPart(reason, offset_bytes=feed.offset_bytes - taken_bytes)
