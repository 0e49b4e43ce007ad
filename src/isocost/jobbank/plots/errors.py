"""Predictions in; plots of how far they were off, and by what, out."""

from collections.abc import Sequence
from html import escape
from math import sqrt
from typing import Final

import plotly.graph_objects as go

from isocost.jobbank.analysis.changes import DIMENSIONS, Band, Dimension, bands, families
from isocost.jobbank.analysis.explanation import Explanation, Term, explain_errors
from isocost.jobbank.analysis.iterations import learning_curve
from isocost.jobbank.analysis.selection import judged_predictions
from isocost.jobbank.analysis.workloads import errors_by_workload
from isocost.jobbank.figures import COLOURS, INK, Plot, blank_figure
from isocost.jobbank.plots.marks import add_estimates
from isocost.jobbank.plots.wording import between, estimate, percent, times
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow
from isocost.units import PERCENT

SHOWN_WORKLOADS: Final = 30  # as many rows as can be read on one screen
# Errors, and medians and means of them, beyond this are drawn at the edge of plots that show every
# prediction: one of 400 % would flatten all others.
_EDGE: Final = 1.0
_ERROR_AXIS: Final = "Predicted over actual runtime, less 1 (%)"
_DOT: Final = {"color": COLOURS[0], "size": 6, "opacity": 0.45}


def error_plots(rows: Rows) -> list[Plot]:
    """Return a plot for each question about errors that these rows can answer."""
    told = judged_predictions(rows)
    if not told:
        return []
    plots = [_by_change(told, dimension) for dimension in DIMENSIONS]
    return [
        *(plot for plot in plots if plot is not None),
        *_by_family(told),
        _by_workload(rows),
        _by_iteration(told),
        *_explained(explain_errors(told, rows.runs)),
    ]


def _by_change(told: Sequence[PredictionRow], dimension: Dimension) -> Plot | None:
    found = bands(told, dimension)
    known = [row for row in told if dimension.value_of(row) is not None]
    if not found:
        return None
    figure = blank_figure(x=f"{dimension.what} (log scale)", y=_ERROR_AXIS)
    _add_points(figure, known, dimension)
    figure.add_scatter(
        x=[sqrt(band.low * band.high) for band in found],
        y=[_drawn(band.bias) for band in found],
        name="median of a band",
        mode="lines+markers",
        line={"color": INK, "width": 1.5},
        marker={"color": INK, "size": 9, "symbol": "diamond"},
        customdata=[_hover_of_band(band) for band in found],
        hovertemplate="%{customdata}<extra></extra>",
    )
    ratios = sorted({dimension.value_of(row) or 1.0 for row in known})
    _label_ratios(figure, ratios[0], ratios[-1])
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    return Plot(
        f"error-{dimension.name.replace(' ', '-')}",
        f"Prediction error against the change in {dimension.name}",
        f"One point per recommendation; above the line predicted too slow, below it too fast. "
        f"{_told_bands({between(b.low, b.high): b for b in found})}{_told_edge(known)}",
        figure,
    )


def _by_family(told: Sequence[PredictionRow]) -> list[Plot]:
    found = families(told)
    if len(found) < 2:
        return []
    figure = blank_figure(x="", y="Absolute prediction error (%)")
    for colour, (name, is_other) in zip(
        COLOURS, (("same family", False), ("another family", True)), strict=False
    ):
        rows = [row for row in told if row.is_other_family is is_other]
        figure.add_box(
            y=[abs(_drawn(row.error_fraction or 0.0)) for row in rows],
            name=name,
            marker={"color": colour, "size": 4, "opacity": 0.45},
            # Else the mean may lie above all that is drawn.
            boxpoints="outliers",
            showlegend=False,
        )
    add_estimates(
        figure,
        list(found),
        [band.error for band in found.values()],
        name="mean",
        most=_EDGE,
        marker={"color": INK, "size": 9, "symbol": "diamond"},
    )
    figure.update_yaxes(rangemode="tozero")
    return [
        Plot(
            "error-family",
            "Prediction error against the change of family",
            f"Boxes hold the middle half; points are outliers. {_told_bands(found)}"
            f"{_told_edge(told)}",
            figure,
        )
    ]


def _by_workload(rows: Rows) -> Plot:
    every = errors_by_workload(rows)
    shown = every[:SHOWN_WORKLOADS]
    figure = blank_figure(x="Mean absolute prediction error (%)", y="")
    add_estimates(
        figure,
        [each.workload for each in shown],
        [each.error for each in shown],
        name="mean",
        is_sideways=True,
        showlegend=False,
    )
    figure.update_layout(height=110 + 20 * len(shown))
    figure.update_yaxes(autorange="reversed", automargin=True, type="category")
    figure.update_xaxes(rangemode="tozero")
    worst, middle = every[0], every[len(every) // 2]
    cut = f" The {len(shown)} worst of {len(every)} are shown." if len(every) > len(shown) else ""
    return Plot(
        "error-workload",
        "Prediction error of each workload",
        f"The worst first: {worst.workload} is off by {estimate(worst.error)}, the one in the "
        f"middle, {middle.workload}, by {percent(middle.error.mean)}.{cut} Bars are 95 % "
        "intervals over the workload's projects.",
        figure,
    )


def _by_iteration(told: Sequence[PredictionRow]) -> Plot:
    curve = learning_curve(told)
    figure = blank_figure(x="Run, the cold start being 0", y="Mean absolute error (%)")
    add_estimates(
        figure,
        [each.ordinal for each in curve],
        [each.error for each in curve],
        name="mean absolute error",
        mode="lines+markers",
        marker={"color": COLOURS[0], "size": 8},
        line={"color": COLOURS[0]},
        showlegend=False,
    )
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(rangemode="tozero")
    first, last = curve[0], curve[-1]
    return Plot(
        "error-iteration",
        "Learning curve",
        f"Predictions of run {first.ordinal} are off by {estimate(first.error)}, those of run "
        f"{last.ordinal} by {estimate(last.error)}. A project that has settled on a cluster is "
        f"predicted no more, so later points are of the harder ones.",
        figure,
    )


def _explained(found: Explanation | None) -> list[Plot]:
    if found is None:
        return []
    figure = blank_figure(x="Percentage points of absolute error that it adds", y="")
    figure.add_scatter(
        x=[term.points for term in found.terms],
        y=[term.words for term in found.terms],
        error_x={"type": "data", "array": [2 * t.se for t in found.terms], "thickness": 1.4},
        mode="markers",
        marker={
            "color": [COLOURS[1] if term.is_clear else "#9aa5b1" for term in found.terms],
            "size": 11,
        },
        hovertemplate="%{y}: %{x:.1f} points<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    figure.update_layout(height=130 + 34 * len(found.terms))
    figure.update_yaxes(autorange="reversed", automargin=True, type="category")
    return [Plot("error-explained", "What explains the error", _told_explanation(found), figure)]


def _told_explanation(found: Explanation) -> str:
    clear = [term for term in found.terms if term.is_clear]
    told = "; ".join(_told_term(term) for term in clear)
    unclear = ", ".join(term.words for term in found.terms if not term.is_clear)
    sentences = [
        f"A prediction that changes nothing is off by {found.base_points:.1f} ± "
        f"{found.base_se:.1f} points.",
        f"On top of that: {told}." if clear else "No change adds to that beyond chance.",
        f"Not beyond chance: {unclear}." if clear and unclear else "",
        f"Changed too seldom or too little to tell: {', '.join(found.unvarying)}."
        if found.unvarying
        else "",
        f"Least squares over {found.count:,} predictions, ± one standard error, robust to "
        f"workloads; all of it explains {found.r_squared * PERCENT:.0f} % of the spread. Bars are "
        "two standard errors; grey is not beyond chance.",
    ]
    return " ".join(filter(None, sentences))


def _told_term(term: Term) -> str:
    verb = "adds" if term.points > 0 else "takes away"
    return f"{term.words} {verb} {abs(term.points):.1f} ± {term.se:.1f}"


def _told_bands(found: dict[str, Band]) -> str:
    told = "; ".join(f"{name}: {estimate(band.error)}" for name, band in found.items())
    return f"Mean absolute error: {told}."


def _told_edge(known: Sequence[PredictionRow]) -> str:
    beyond = sum(abs(row.error_fraction or 0.0) > _EDGE for row in known)
    if not beyond:
        return ""
    return f" {beyond} beyond {percent(_EDGE)} are drawn at the edge; means count them in full."


def _drawn(error_fraction: float) -> float:
    """Return where an error is drawn, in percent."""
    return max(-_EDGE, min(_EDGE, error_fraction)) * PERCENT


def _add_points(figure: go.Figure, rows: Sequence[PredictionRow], dimension: Dimension) -> None:
    # Where ratios are few, a small shift keeps points from hiding each other.
    places, reach = 9, 0.02 if dimension.is_discrete else 0.0
    shifts = [2 ** ((n % places - places // 2) * reach) for n in range(len(rows))]
    figure.add_scatter(
        x=[(dimension.value_of(row) or 1.0) * by for row, by in zip(rows, shifts, strict=True)],
        y=[_drawn(row.error_fraction or 0.0) for row in rows],
        name="recommendation",
        mode="markers",
        marker=_DOT,
        customdata=[_hover(row) for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _hover_of_band(band: Band) -> str:
    return (
        f"{between(band.low, band.high)}: {band.error.value_count} predictions<br>median error "
        f"{percent(band.bias)}"
    )


def _hover(row: PredictionRow) -> str:
    return (
        f"{escape(row.workload)}<br>{row.parent_worker_count} × {row.parent_node_type_id} → "
        f"{row.worker_count} × {row.node_type_id}<br>predicted {row.predicted_s:.1f} s, actual "
        f"{row.actual_s or 0.0:.1f} s"
    )


def _label_ratios(figure: go.Figure, low: float, high: float) -> None:
    shown = [2.0**n for n in range(-6, 7) if low / 1.5 <= 2.0**n <= high * 1.5]
    if len(shown) < 3:  # a small range: data of weekdays
        shown = [ratio for ratio in (0.8, 0.9, 1.0, 1.1, 1.25) if low / 1.1 <= ratio <= high * 1.1]
    figure.update_xaxes(type="log", tickvals=shown, ticktext=[times(ratio) for ratio in shown])
