"""A comparison of two experiments in; plots of its differences out."""

from typing import Final

from isocost.jobbank.analysis.comparison import Comparison, MeasureDifference, Verdict
from isocost.jobbank.figures import COLOURS, INK, Plot, blank_figure
from isocost.jobbank.plots.wording import percent
from isocost.units import PERCENT

SHOWN_WITNESSES: Final = 30  # as many rows as can be read on one screen
_COLOURS: Final = {
    Verdict.BETTER: COLOURS[2],
    Verdict.WORSE: COLOURS[1],
    Verdict.NO_DIFFERENCE: "#9aa5b1",
}


def comparison_plots(found: Comparison) -> list[Plot]:
    """Return a plot of all measures, and one of each that differs beyond chance."""
    told = [measure for measure in found.measures if measure.difference is not None]
    return [
        *([_forest(found, told)] if told else []),
        *(
            _by_witness(found, measure)
            for measure in told
            if measure.by_witness and measure.verdict is not Verdict.NO_DIFFERENCE
        ),
    ]


def _forest(found: Comparison, told: list[MeasureDifference]) -> Plot:
    figure = blank_figure(x=f"{found.after} less {found.before} (percentage points)", y="")
    for measure in told:
        d = measure.difference
        if d is None:
            continue
        figure.add_scatter(
            x=[d.mean * PERCENT],
            y=[_name(measure)],
            error_x={"type": "data", "array": [d.half_width * PERCENT], "thickness": 1.6},
            mode="markers",
            marker={"color": _COLOURS[measure.verdict], "size": 12},
            customdata=[f"{measure.verdict.value}, {d.value_count} pairs"],
            hovertemplate="%{y}: %{x:+.1f} points<br>%{customdata}<extra></extra>",
            showlegend=False,
        )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    figure.update_layout(height=130 + 40 * len(told))
    figure.update_yaxes(autorange="reversed", automargin=True, type="category")
    return Plot(
        "comparison",
        "Differences, each with its confidence interval",
        f"Right of the line {found.after} is worse. Orange is worse and green better beyond "
        "chance, grey is no difference.",
        figure,
    )


def _by_witness(found: Comparison, measure: MeasureDifference) -> Plot:
    shown = measure.by_witness[:SHOWN_WITNESSES]
    figure = blank_figure(x=f"{found.after} less {found.before} (percentage points)", y="")
    figure.add_bar(
        x=[value * PERCENT for _, value in shown],
        y=[name for name, _ in shown],
        orientation="h",
        marker={"color": [COLOURS[1] if value > 0 else COLOURS[2] for _, value in shown]},
        hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    figure.update_layout(height=110 + 20 * len(shown))
    figure.update_yaxes(autorange="reversed", automargin=True, type="category")
    rising = sum(value > 0 for _, value in measure.by_witness)
    worst, most = measure.by_witness[0]
    cut = f" The {len(shown)} worst are shown." if len(shown) < len(measure.by_witness) else ""
    return Plot(
        f"comparison-{measure.name.replace('_', '-')}",
        f"{_name(measure)[0].upper()}{_name(measure)[1:]}, {found.unit} by {found.unit}",
        f"{rising} of {len(measure.by_witness)} are worse, the worst of them first: {worst}, by "
        f"{percent(most).removesuffix(' %')} points.{cut}",
        figure,
    )


def _name(measure: MeasureDifference) -> str:
    return measure.name.replace("_", " ").replace("sla", "SLA")
