"""Chunks of any size in, exactly as many bytes as a decoder asks for out, and where they lie."""

from collections.abc import Iterable, Iterator
from typing import Final

from isocost.units import BYTES_PER_MIB

# Spark's largest block is far below this: LZ4BlockOutputStream allows 32 MiB, snappy-java and lzf
# less. A length field above it is damage or malice, and never a reason to allocate.
MAX_BLOCK_BYTES: Final = 32 * BYTES_PER_MIB
# Decoders hand on about this much at once: large enough that Python's cost per chunk vanishes.
CHUNK_BYTES: Final = BYTES_PER_MIB


class Feed:
    """A cursor over chunks; `offset_bytes` says how many bytes were taken so far."""

    __slots__ = ("_at", "_chunk", "_chunks", "offset_bytes")

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._chunk = b""
        self._at = 0
        self.offset_bytes = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes; fewer only at the end of the stream."""
        end = self._at + count
        if end <= len(self._chunk):
            piece = self._chunk[self._at : end]
            self._at = end
            self.offset_bytes += count
            return piece
        return self._take_across(count)

    def take_some(self, at_most: int) -> bytes:
        """Return what is at hand, at least one byte; empty only at the end of the stream."""
        if self._at >= len(self._chunk) and not self._advance():
            return b""
        return self.take(min(at_most, len(self._chunk) - self._at))

    def peek(self, count: int) -> bytes:
        """Return the next `count` bytes without taking them; fewer only at the end."""
        piece = self.take(count)
        self._chunk = piece + self._chunk[self._at :]
        self._at = 0
        self.offset_bytes -= len(piece)
        return piece

    def give_back(self, piece: bytes) -> None:
        """Put back bytes that were just taken."""
        self._chunk = piece + self._chunk[self._at :]
        self._at = 0
        self.offset_bytes -= len(piece)

    def rest(self) -> Iterator[bytes]:
        """Yield everything not taken yet, in the chunks it came in."""
        while piece := self.take_some(MAX_BLOCK_BYTES):
            yield piece

    def _take_across(self, count: int) -> bytes:
        pieces: list[bytes] = []
        wanted = count
        while wanted and (self._at < len(self._chunk) or self._advance()):
            piece = self._chunk[self._at : self._at + wanted]
            self._at += len(piece)
            wanted -= len(piece)
            pieces.append(piece)
        self.offset_bytes += count - wanted
        return b"".join(pieces)

    def _advance(self) -> bool:
        self._at = 0
        for chunk in self._chunks:
            if chunk:
                self._chunk = chunk
                return True
        self._chunk = b""
        return False
