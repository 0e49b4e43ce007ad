"""Chunks of decompressed bytes in, stretches of complete lines out, however chunks were cut."""

from typing import Final, NamedTuple

from isocost.units import BYTES_PER_MIB

# Plans of tens of MiB in one line are real (Spark writes the whole plan text); a few times that
# keeps a file without any line break from filling the memory.
MAX_LINE_BYTES: Final = 128 * BYTES_PER_MIB


class Stretch(NamedTuple):
    """Complete lines, each with its line break: `buffer[start:stop]`, not copied out."""

    buffer: bytes
    start: int
    stop: int


class LineBuffer:
    """Cuts chunks after their last line break and holds back the rest until its end arrives.

    Attributes:
        oversized_line_count: lines longer than `max_line_bytes`, which are dropped.
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.oversized_line_count = 0

    def feed(self, chunk: bytes) -> list[Stretch]:
        """Return the lines that `chunk` completes, in order."""
        stop = chunk.rfind(b"\n") + 1
        if stop == 0:
            self._hold(chunk)
            return []
        start = chunk.find(b"\n") + 1 if self._held_bytes else 0
        stretches = [self._joined(chunk[:start])] if start else []
        if start < stop:
            stretches.append(Stretch(chunk, start, stop))
        if stop < len(chunk):
            self._hold(chunk[stop:])
        return stretches

    def finish(self) -> Stretch:
        """Return what stood after the last line break as a line, and forget it."""
        return self._joined(b"\n")

    def _joined(self, tail: bytes) -> Stretch:
        """Return the held line with its end."""
        self._hold(tail)
        line = b"".join(self._held)
        self.oversized_line_count += self._held_bytes > self._max_line_bytes
        self._held, self._held_bytes = [], 0
        return Stretch(line, 0, len(line))

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of a line; once the line is too long, keep only the count of its bytes."""
        self._held_bytes += len(piece)
        if self._held_bytes > self._max_line_bytes:
            self._held.clear()
        elif piece:
            self._held.append(piece)
