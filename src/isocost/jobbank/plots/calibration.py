"""Predictions in; plots of whether their intervals and promises held, out."""

from collections.abc import Sequence

from isocost.jobbank.analysis.calibration import Promise, coverage, places, promises
from isocost.jobbank.analysis.estimates import Estimate
from isocost.jobbank.analysis.selection import judged_predictions
from isocost.jobbank.figures import COLOURS, INK, Plot, blank_figure
from isocost.jobbank.plots.marks import add_estimates
from isocost.jobbank.plots.wording import estimate, percent
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow
from isocost.units import PERCENT


def calibration_plots(rows: Rows) -> list[Plot]:
    """Return a plot of the intervals, and one of the promised chances if there were any."""
    told = judged_predictions(rows)
    if not told:
        return []
    promised = promises(told, rows.runs)
    return [_intervals(told), *([_promises(promised)] if promised else [])]


def _intervals(told: Sequence[PredictionRow]) -> Plot:
    found = places(told)
    figure = blank_figure(x="Where the runtime fell in its predicted distribution", y="Share (%)")
    names = [place.name for place in found]
    figure.add_bar(
        x=names,
        y=[place.found * PERCENT for place in found],
        name="fell there",
        marker={"color": COLOURS[0]},
        hovertemplate="%{x}: %{y:.1f} %<extra>fell there</extra>",
    )
    figure.add_scatter(
        x=names,
        y=[place.expected * PERCENT for place in found],
        name="should",
        mode="markers",
        marker={"symbol": "line-ew", "size": 34, "line": {"color": COLOURS[1], "width": 3}},
        hovertemplate="%{x}: %{y:.1f} %<extra>should</extra>",
    )
    figure.update_yaxes(rangemode="tozero")
    inside_80, inside_95 = coverage(told)
    fast, slow = found[0].found + found[1].found, found[-1].found + found[-2].found
    return Plot(
        "calibration-intervals",
        "Calibration of the intervals",
        f"The 80 % intervals held {_share(inside_80)} of the runtimes, the 95 % intervals "
        f"{_share(inside_95)}. {percent(fast)} of the runs were faster than the 80 % interval "
        f"says, {percent(slow)} slower; 10 % each would be right.",
        figure,
    )


def _promises(found: Sequence[Promise]) -> Plot:
    figure = blank_figure(x="Promised chance to keep the deadline (%)", y="Kept it (%)")
    figure.add_scatter(
        x=[0, PERCENT],
        y=[0, PERCENT],
        name="exact",
        mode="lines",
        line={"color": INK, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    add_estimates(
        figure,
        [each.promised * PERCENT for each in found],
        [each.kept for each in found],
        name="recommendations",
        most=1.0,
        marker={"color": COLOURS[0], "size": 10},
    )
    figure.update_xaxes(range=[-2, 102])
    figure.update_yaxes(range=[-2, 102])
    told = "; ".join(f"promised {percent(p.promised)}, kept {estimate(p.kept)}" for p in found)
    return Plot(
        "calibration-promises",
        "Promised and kept deadlines",
        "Recommendations by the chance that they promised, and how many of them were in time. "
        f"Below the line was promised too much. {told[0].upper()}{told[1:]}.",
        figure,
    )


def _share(found: Estimate | None) -> str:
    return "–" if found is None else estimate(found)
