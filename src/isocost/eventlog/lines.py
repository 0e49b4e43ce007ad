"""Chunks of decompressed bytes in, complete lines out, however the chunks were cut."""

from typing import Final

from isocost.units import BYTES_PER_MIB

# Plans of tens of MiB in one line are real (Spark writes the whole plan text); a few times that
# keeps a file without any line break from filling the memory.
MAX_LINE_BYTES: Final = 128 * BYTES_PER_MIB


class LineSplitter:
    """Cuts chunks into lines; holds back the last one until its end arrives.

    Attributes:
        oversized_line_count: lines longer than `max_line_bytes`, which come out empty.
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.oversized_line_count = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes, in order, without their line breaks."""
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines:
            lines[0] = self._joined(lines[0])
            if len(chunk) > self._max_line_bytes:
                lines[1:] = [self._bounded(line) for line in lines[1:]]
        self._hold(rest)
        return lines

    def finish(self) -> bytes:
        """Return what stood after the last line break, and forget it."""
        return self._joined(b"")

    def _joined(self, tail: bytes) -> bytes:
        """Return the held line with its end."""
        self._hold(tail)
        line = b"".join(self._held)
        is_oversized = self._held_bytes > self._max_line_bytes
        self._held, self._held_bytes = [], 0
        self.oversized_line_count += is_oversized
        return b"" if is_oversized else line

    def _hold(self, piece: bytes) -> None:
        self._held_bytes += len(piece)
        if self._held_bytes > self._max_line_bytes:
            self._held.clear()
        elif piece:
            self._held.append(piece)

    def _bounded(self, line: bytes) -> bytes:
        is_oversized = len(line) > self._max_line_bytes
        self.oversized_line_count += is_oversized
        return b"" if is_oversized else line
