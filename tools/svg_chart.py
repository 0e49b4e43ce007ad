"""Numbers in, the text of an SVG chart out: panels with axes, lines, bands, dots and labels.

Coordinates are rounded to a tenth of a pixel, so that the same numbers give the same file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

INK: Final = "#1f2933"
MUTED: Final = "#616e7c"
PALE: Final = "#b8c2cc"
BLUE: Final = "#2563a8"
ORANGE: Final = "#b45309"
GREEN: Final = "#00704d"
FONT: Final = "font-family='system-ui, sans-serif'"

Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis spans.

    Attributes:
        low, high: its ends.
        ticks: values that are written beside it.
        title: what it shows, with its unit.
        is_log: whether distances are ratios.
    """

    low: float
    high: float
    ticks: Sequence[float]
    title: str
    is_log: bool = True

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1."""
        inside = min(max(value, self.low), self.high)
        if self.is_log:
            return log(inside / self.low) / log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a panel lies on the picture, in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(slots=True)
class Panel:
    """One pair of axes and what is drawn between them."""

    box: Box
    x: Axis
    y: Axis
    title: str = ""
    marks: list[str] = field(default_factory=list)

    def line(self, points: Pairs, color: str, *, dash: str = "", width: float = 2.0) -> None:
        """Draw a line through points."""
        dashed = f" stroke-dasharray='{dash}'" if dash else ""
        self.marks.append(
            f"<polyline points='{self._path(points)}' fill='none' stroke='{color}' "
            f"stroke-width='{width:g}'{dashed}/>"
        )

    def band(self, low: Pairs, high: Pairs, color: str, *, opacity: float) -> None:
        """Fill what lies between two lines."""
        around = self._path([*low, *reversed(high)])
        self.marks.append(f"<polygon points='{around}' fill='{color}' opacity='{opacity:g}'/>")

    def dot(self, at: tuple[float, float], color: str, *, size: float = 4.0, hollow: bool) -> None:
        """Draw a dot; a hollow one shows what is below it."""
        px, py = self._place(at)
        fill = "#ffffff" if hollow else color
        self.marks.append(
            f"<circle cx='{px}' cy='{py}' r='{size:g}' fill='{fill}' stroke='{color}' "
            "stroke-width='1.8'/>"
        )

    def label(
        self, at: tuple[float, float], text: str, color: str, *, shift: str = "0,-9"
    ) -> None:
        """Write beside a point; `shift` is in pixels, right and down."""
        px, py = self._place(at)
        right, down = (float(part) for part in shift.split(","))
        anchor = "start" if right > 0 else "end" if right < 0 else "middle"
        self.marks.append(_text(px + right, py + down, text, look=_Look(color, anchor)))

    def svg(self) -> list[str]:
        """Return the panel's elements, the axes below the marks."""
        box = self.box
        bottom, right = box.top + box.height, box.left + box.width
        parts = [_text(right, box.top - 10, self.title, look=_Look(INK, "end", "600"))]
        for tick in self.x.ticks:
            px = _round(box.left + self.x.share(tick) * box.width)
            parts.append(_rule((px, box.top), (px, bottom)))
            parts.append(_text(px, bottom + 15, f"{tick:g}", look=_Look(MUTED)))
        for tick in self.y.ticks:
            py = _round(bottom - self.y.share(tick) * box.height)
            parts.append(_rule((box.left, py), (right, py)))
            parts.append(_text(box.left - 6, py + 4, f"{tick:g}", look=_Look(MUTED, "end")))
        parts.append(_text(box.left + box.width / 2, bottom + 31, self.x.title, look=_Look(MUTED)))
        parts.append(_text(box.left - 40, box.top - 10, self.y.title, look=_Look(MUTED, "start")))
        return parts + self.marks

    def _place(self, at: tuple[float, float]) -> tuple[float, float]:
        box = self.box
        return (
            _round(box.left + self.x.share(at[0]) * box.width),
            _round(box.top + box.height - self.y.share(at[1]) * box.height),
        )

    def _path(self, points: Pairs) -> str:
        return " ".join("{},{}".format(*self._place(point)) for point in points)


def key(entries: Sequence[tuple[str, str]], left: float, top: float) -> list[str]:
    """Return a legend in a row: sample elements drawn about (0, 0), and what each means."""
    parts = []
    for sample, text in entries:
        parts.append(f"<g transform='translate({_round(left)},{_round(top)})'>{sample}</g>")
        parts.append(_text(left + 20, top + 4, text, look=_Look(INK, "start")))
        left += 48 + 7.2 * len(text)
    return parts


def chart(size: tuple[int, int], alternative: str, parts: Sequence[str]) -> str:
    """Return the SVG file; `alternative` says in words what is to be seen."""
    width, height = size
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' role='img' {FONT} font-size='12'>"
    )
    paper = f"<rect width='{width}' height='{height}' fill='#ffffff'/>"
    return "\n".join([head, f"<title>{alternative}</title>", paper, *parts, "</svg>", ""])


def _rule(start: tuple[float, float], end: tuple[float, float]) -> str:
    return f"<line x1='{start[0]}' y1='{start[1]}' x2='{end[0]}' y2='{end[1]}' stroke='#e4e7eb'/>"


@dataclass(frozen=True, slots=True)
class _Look:
    """How a text is written; `anchor` is the end of it that its place is."""

    color: str = INK
    anchor: str = "middle"
    weight: str = "400"


def _text(left: float, top: float, text: str, *, look: _Look = _Look()) -> str:
    return (
        f"<text x='{_round(left)}' y='{_round(top)}' fill='{look.color}' "
        f"text-anchor='{look.anchor}' font-weight='{look.weight}'>{text}</text>"
    )


def _round(pixels: float) -> float:
    return round(pixels, 1)
