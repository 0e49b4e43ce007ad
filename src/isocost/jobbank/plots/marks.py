"""Estimates in, marks with their intervals in a figure out; all plots draw them alike."""

from collections.abc import Sequence
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
    **looks: Any,  # noqa: ANN401  of Plotly's scatter
) -> None:
    """Add a mark for each estimate, in percent, with its interval.

    Args:
        figure: to add to.
        places: of the marks on the other axis.
        found: one for each place.
        name: in the legend.
        is_sideways: places are on the y axis.
        looks: of the marks, in Plotly's words.
    """
    means = [each.mean * PERCENT for each in found]
    bars = {
        "type": "data",
        "array": [_reach(each) for each in found],
        # No share, cost or error is below 0.
        "arrayminus": [min(_reach(each), each.mean * PERCENT) for each in found],
        "thickness": 1.4,
        "width": 3,
    }
    told = [f"{each.value_count:,} values of {each.group_count} witnesses" for each in found]
    value = "%{x:.1f}" if is_sideways else "%{y:.1f}"
    place = "%{y}" if is_sideways else "%{x}"
    figure.add_scatter(
        **({"x": means, "y": places} if is_sideways else {"x": places, "y": means}),
        **({"error_x": bars} if is_sideways else {"error_y": bars}),
        name=name,
        customdata=told,
        hovertemplate=f"{place}: {value} %<br>%{{customdata}}<extra>{name}</extra>",
        cliponaxis=False,
        **{"mode": "markers", "marker": {"color": INK, "size": 9}, **looks},
    )


def _reach(found: Estimate) -> float:
    return found.half_width * PERCENT if found.is_interval_known else 0.0
