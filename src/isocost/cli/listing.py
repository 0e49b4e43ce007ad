"""Rows that begin with an id in; lines out that fit a terminal and leave each word in one piece.

A row is one line where there is room, or no screen at all. On a narrower screen its id has a line
of its own, and the other columns stand below it, on as many lines as they need. Nothing is left
out, and what is longer than the screen is the terminal's to wrap: so it can be copied.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from isocost.cli.console import OUT, screen_width

_GAP: Final = 2
_LEFT, _INDENT = Text("  "), Text("    ")
# A sentence in fewer columns is a word a line.
_LEAST_FLOW: Final = 24


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's name, and the side on which its cells are flush."""

    name: str
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns are on which line of a row, and how wide each is."""

    lines: Sequence[Sequence[int]]
    widths: Sequence[int]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a `list` command shows: each row's first cell is its id, its last may be a sentence."""

    title: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[str | Text]]
    caption: str = ""

    def lines(self, width: int | None) -> Iterator[Text]:
        """Yield the lines for a screen of `width` characters; None: each row is one line."""
        names = [Text(heading.name, style="bold") for heading in self.headings]
        rows = [[_as_text(cell) for cell in row] for row in self.rows]
        layout = self._layout([names, *rows], width)
        yield Text(self.title, style="italic")
        yield from self._row(names, layout)
        yield _LEFT + Text("─" * _rule_length(layout, width))
        for row in rows:
            yield from self._row(row, layout)
        if self.caption:
            yield Text()
            yield from _flowing(Text(self.caption, style="dim italic"), width)

    def _layout(self, rows: Sequence[Sequence[Text]], width: int | None) -> _Layout:
        widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
        every, last = range(len(widths)), len(widths) - 1
        if width is None:
            return _Layout([every], widths)
        longest_word = max(cell_len(word) for row in rows for word in row[last].plain.split(" "))
        least = min(widths[last], max(_LEAST_FLOW, longest_word))
        # One line, if that leaves the sentence enough; else the id has a line of its own.
        room = width - len(_LEFT) - sum(widths[:last]) - _GAP * last
        if room >= least:
            return _Layout([every], [*widths[:last], min(widths[last], room)])
        return _stacked([*widths[:last], least], width, longest=widths[last])

    def _row(self, cells: Sequence[Text], layout: _Layout) -> Iterator[Text]:
        last = len(cells) - 1
        for place, columns in enumerate(layout.lines):
            line = (_INDENT if place else _LEFT).copy()
            for column in (column for column in columns if column != last):
                line += self._aligned(cells[column], column, layout.widths[column])
                line += Text(" " * _GAP)
            if columns[-1] == last:
                yield from _hanging(line, cells[last], layout.widths[last])
            else:
                line.rstrip()
                yield line

    def _aligned(self, cell: Text, column: int, width: int) -> Text:
        padding = Text(" " * (width - cell.cell_len))
        return padding + cell if self.headings[column].is_right else cell + padding


def _as_text(cell: str | Text) -> Text:
    text = Text(cell) if isinstance(cell, str) else cell
    return Text(" ").join(text.split("\n")) if "\n" in text.plain else text


def _stacked(widths: Sequence[int], width: int, *, longest: int) -> _Layout:
    """Return as many columns on each line below the id as fit; the last gets what is left."""
    lines: list[list[int]] = [[0], []]
    room = width - len(_INDENT)
    for column, needed in list(enumerate(widths))[1:]:
        if lines[-1] and needed > room:
            lines.append([])
            room = width - len(_INDENT)
        lines[-1].append(column)
        room -= needed + _GAP
    spare = max(0, room + _GAP)
    return _Layout(lines, [*widths[:-1], min(longest, widths[-1] + spare)])


def _rule_length(layout: _Layout, width: int | None) -> int:
    whole = sum(layout.widths) + _GAP * (len(layout.widths) - 1)
    return whole if width is None else min(whole, width - 2 * len(_LEFT))


def _hanging(begin: Text, text: Text, width: int) -> Iterator[Text]:
    """Yield a text after the beginning of its first line, its other lines indented as far."""
    for part in _flowing(text, width):
        yield begin + part
        begin = Text(" " * begin.cell_len)


def _flowing(text: Text, width: int | None) -> Iterator[Text]:
    """Yield a text's words, as many on each line as fit; a word is never broken."""
    words = text.split(" ")
    line = Text("").join(words[:1])
    for word in words[1:]:
        if width is not None and line.cell_len + 1 + word.cell_len > width:
            yield line
            line = word
        else:
            line = Text(" ").join([line, word])
    yield line


def show_listing(listing: Listing) -> None:
    """Write a listing to stdout as wide as its reader's screen."""
    for line in listing.lines(screen_width()):
        OUT.print(line, highlight=False, soft_wrap=True)
