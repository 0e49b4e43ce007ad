"""Predictions in; how far they are off by how much the cluster and its data changed, out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.analysis.selection import absolute_errors, share_inside
from isocost.jobbank.tables import PredictionRow

ValueOf = Callable[[PredictionRow], float | None]

# Edges between bands of a ratio: √2 to either side of 1 still is about the same number of workers;
# machine sizes come in powers of two; data of a weekday differ by some percent.
_HALVES: Final = (0.354, 0.707, 1.415, 2.829)
_WORKERS: Final = (0.5, 0.8, 1.25, 2.0)
_DATA: Final = (0.8, 0.95, 1.05, 1.25)


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that a recommendation changes, as a ratio of child to parent.

    Attributes:
        name: as a heading.
        what: the ratio in words, for an axis.
        edges: between the bands that predictions are put in.
        is_discrete: few ratios are possible.
    """

    name: str
    what: str
    value_of: ValueOf
    edges: tuple[float, ...]
    is_discrete: bool = False


DIMENSIONS: Final = (
    Dimension(
        "instance size",
        "Cores of one worker, child over parent",
        lambda r: r.node_size_ratio,
        _HALVES,
        is_discrete=True,
    ),
    Dimension("worker count", "Workers, child over parent", lambda r: r.worker_ratio, _WORKERS),
    Dimension(
        "memory per core",
        "GiB per core, child over parent",
        lambda r: r.memory_per_core_ratio,
        _HALVES,
        is_discrete=True,
    ),
    Dimension("data size", "Bytes read, child over parent", lambda r: r.input_ratio, _DATA),
)


@dataclass(frozen=True, slots=True)
class Band:
    """Predictions whose change lies between two edges.

    Attributes:
        low, high: of the changes found in it.
        error: mean absolute error, a fraction.
        bias: median signed error; above 0 predicted too slow.
        inside: share of runtimes in their 80 % interval.
    """

    low: float
    high: float
    error: Estimate
    bias: float
    inside: float


def bands(predictions: Sequence[PredictionRow], dimension: Dimension) -> list[Band]:
    """Return the bands that hold predictions, from the smallest ratio to the largest."""
    held: dict[int, list[tuple[float, PredictionRow]]] = {}
    for row in predictions:
        value = dimension.value_of(row)
        if value is not None:
            place = sum(value > edge for edge in dimension.edges)
            held.setdefault(place, []).append((value, row))
    return [found for place in sorted(held) if (found := _band(held[place])) is not None]


def families(predictions: Sequence[PredictionRow]) -> dict[str, Band]:
    """Return the bands of predictions within a family and to another one."""
    of = {
        "same family": [(1.0, row) for row in predictions if not row.is_other_family],
        "another family": [(1.0, row) for row in predictions if row.is_other_family],
    }
    return {name: band for name, held in of.items() if (band := _band(held)) is not None}


def _band(held: Sequence[tuple[float, PredictionRow]]) -> Band | None:
    rows = [row for _, row in held]
    error = clustered_mean(absolute_errors(rows))
    inside = share_inside(rows)
    if error is None or inside is None:
        return None
    values = [value for value, _ in held]
    signed = [row.error_fraction for row in rows if row.error_fraction is not None]
    return Band(min(values), max(values), error, median(signed), inside)
