"""Predictions in; a plot of predicted against actual runtimes out, of hundreds at once."""

from html import escape
from typing import Final

from isocost.jobbank.analysis.selection import judged_predictions
from isocost.jobbank.figures import COLOURS, INK, Plot, blank_figure
from isocost.jobbank.plots.wording import percent
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow

_NEAR: Final = 0.25  # a fraction of the actual runtime, as errors on the page are
_TICKS_S: Final = tuple(digit * 10**power for power in range(6) for digit in (1, 3))


def agreement_plots(rows: Rows) -> list[Plot]:
    """Return the plot; none without predictions."""
    told = judged_predictions(rows)
    if not told:
        return []
    figure = blank_figure(x="Actual runtime (s, log scale)", y="Predicted runtime (s, log scale)")
    for name, colour, is_inside in (
        ("inside its 80 % interval", COLOURS[0], True),
        ("outside", COLOURS[1], False),
    ):
        shown = [row for row in told if bool(row.is_in_80) is is_inside]
        figure.add_scatter(
            x=[row.actual_s for row in shown],
            y=[row.predicted_s for row in shown],
            name=name,
            mode="markers",
            marker={"color": colour, "size": 6, "opacity": 0.55},
            customdata=[_hover(row) for row in shown],
            hovertemplate="%{customdata}<extra></extra>",
        )
    ends = [row.actual_s or row.predicted_s for row in told]
    figure.add_scatter(
        x=[min(ends), max(ends)],
        y=[min(ends), max(ends)],
        name="exact",
        mode="lines",
        line={"color": INK, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    seconds = {"type": "log", "tickvals": _TICKS_S, "ticktext": [f"{s:,}" for s in _TICKS_S]}
    figure.update_xaxes(**seconds)
    figure.update_yaxes(**seconds)
    near = sum(abs(row.error_fraction or 0.0) <= _NEAR for row in told)
    return [
        Plot(
            "agreement",
            "Predicted and actual runtime",
            f"{near} of {len(told)} predictions are off by at most {percent(_NEAR)} of the actual "
            "runtime. One point per recommendation; on the dotted line the prediction is exact.",
            figure,
        )
    ]


def _hover(row: PredictionRow) -> str:
    return (
        f"{escape(row.workload)}, {row.worker_count} × {escape(row.node_type_id)}<br>predicted "
        f"{row.predicted_s:.1f} s ({row.low_80_s:.1f} to {row.high_80_s:.1f}), actual "
        f"{row.actual_s or 0.0:.1f} s"
    )
