"""Estimates in, marks with their intervals in a figure out; all plots draw them alike."""

from collections.abc import Sequence
from math import inf
from typing import Any

import plotly.graph_objects as go

from isocost.jobbank.analysis.estimates import Estimate
from isocost.jobbank.figures import INK
from isocost.units import PERCENT


def add_estimates(
    figure: go.Figure,
    places: Sequence[object],
    found: Sequence[Estimate],
    *,
    name: str,
    is_sideways: bool = False,
    most: float = inf,
    **looks: Any,  # noqa: ANN401  of Plotly's scatter
) -> None:
    """Add a mark for each estimate, in percent, with its interval.

    Args:
        figure: to add to.
        places: of the marks on the other axis.
        found: one for each place.
        name: in the legend.
        is_sideways: places are on the y axis.
        most: a fraction; what lies beyond is drawn there, and told in full by the mark.
        looks: of the marks, in Plotly's words.
    """
    means = [min(each.mean, most) * PERCENT for each in found]
    ends = [_ends(each, most=most) for each in found]
    bars = {
        "type": "data",
        "array": [high - mean for mean, (_, high) in zip(means, ends, strict=True)],
        "arrayminus": [mean - low for mean, (low, _) in zip(means, ends, strict=True)],
        "thickness": 1.4,
        "width": 3,
    }
    told = [
        f"{each.mean * PERCENT:.1f} %<br>{each.value_count:,} values of {each.group_count} "
        "witnesses"
        for each in found
    ]
    place = "%{y}" if is_sideways else "%{x}"
    figure.add_scatter(
        **({"x": means, "y": places} if is_sideways else {"x": places, "y": means}),
        **({"error_x": bars} if is_sideways else {"error_y": bars}),
        name=name,
        customdata=told,
        hovertemplate=f"{place}: %{{customdata}}<extra>{name}</extra>",
        cliponaxis=False,
        **{"mode": "markers", "marker": {"color": INK, "size": 9}, **looks},
    )


def _ends(found: Estimate, *, most: float) -> tuple[float, float]:
    """Return where the interval is drawn from and to, in percent; no share or cost is below 0."""
    reach = found.half_width if found.is_interval_known else 0.0
    low, high = max(0.0, found.mean - reach), found.mean + reach
    return min(low, most) * PERCENT, min(high, most) * PERCENT
