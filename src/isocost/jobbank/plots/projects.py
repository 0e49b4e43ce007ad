"""Lineages, cross-checks and replay errors in; figures of single projects out.

They name each application, so they are for experiments of tens of projects; `experiment` draws
these for real Spark.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from isocost.domain.cluster import NodeType, node_type_of, total_cores
from isocost.domain.run import Run
from isocost.jobbank.figures import COLOURS, INK, blank_figure
from isocost.jobbank.lineage import CrossPrediction, Lineage
from isocost.units import MILLI_USD_PER_USD, PERCENT


def error_against_size_change(
    found: Sequence[Lineage], node_types: Sequence[NodeType]
) -> go.Figure:
    """Return prediction error against the change in cores, one point per recommendation."""
    figure = blank_figure(
        x="Cores of the recommended cluster over those of its parent",
        y="Predicted over actual runtime, less 1 (%)",
    )
    tried = [x for x in found if x.error_fraction is not None]
    for colour, (workload, lineages) in zip(
        _cycle(len(tried)), _by_workload(tried).items(), strict=False
    ):
        figure.add_scatter(
            x=[_core_ratio(x, node_types) * 2 ** _sideways(x) for x in lineages],
            y=[(x.error_fraction or 0.0) * PERCENT for x in lineages],
            name=workload,
            mode="markers",
            marker={"color": colour, "size": 11, "line": {"color": "white", "width": 1}},
            customdata=[_hover(x, node_types) for x in lineages],
            hovertemplate="%{customdata}<extra></extra>",
        )
    ratios = sorted({_core_ratio(x, node_types) for x in tried} | {0.5, 1.0, 2.0})
    figure.update_xaxes(type="log", tickvals=ratios, ticktext=[f"{r:g}×" for r in ratios])
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    return figure


def predicted_against_actual(found: Sequence[Lineage]) -> go.Figure:
    """Return predictions with their 80 % intervals against what happened."""
    tried = [x for x in found if x.child.runtime_s is not None]
    figure = blank_figure(x="Actual runtime (s)", y="Predicted runtime with 80 % interval (s)")
    for colour, (workload, lineages) in zip(
        _cycle(len(tried)), _by_workload(tried).items(), strict=False
    ):
        predictions = [x.prediction for x in lineages]
        figure.add_scatter(
            x=[x.child.runtime_s for x in lineages],
            y=[p.runtime_s for p in predictions],
            error_y={
                "type": "data",
                "array": [p.runtime_80_s.high - p.runtime_s for p in predictions],
                "arrayminus": [p.runtime_s - p.runtime_80_s.low for p in predictions],
                "thickness": 1.2,
            },
            name=workload,
            mode="markers",
            marker={"color": colour, "size": 9},
        )
    _add_diagonal(figure, [x.child.runtime_s or 0.0 for x in tried])
    return figure


def cost_before_and_after(found: Sequence[Lineage]) -> go.Figure:
    """Return, for each project, the cold start's cost and its last child's, the worst first."""
    last = {x.trial.trial_id: x for x in found if x.saving_fraction is not None}
    ordered = sorted(last.values(), key=lambda x: x.saving_fraction or 0.0, reverse=True)
    names = [_project_name(x) for x in ordered]
    before = [_milli_usd(x.baseline) for x in ordered]
    after = [_milli_usd(x.child) for x in ordered]
    figure = blank_figure(x="List cost of one run (10⁻³ USD)", y="")
    for x, name, start, end in zip(ordered, names, before, after, strict=True):
        colour = COLOURS[2] if (x.saving_fraction or 0.0) >= 0 else COLOURS[1]
        figure.add_scatter(
            x=[start, end],
            y=[name, name],
            mode="lines",
            line={"color": colour, "width": 3},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=before,
        y=names,
        name="cold start",
        mode="markers",
        marker={"color": "#9aa5b1", "size": 11},
    )
    figure.add_scatter(
        x=after, y=names, name="recommended", mode="markers", marker={"color": INK, "size": 11}
    )
    figure.update_layout(height=120 + 26 * len(names))
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(automargin=True)
    return figure


def other_core_count(crossed: Sequence[CrossPrediction]) -> go.Figure:
    """Return cold starts predicted from each other against what happened."""
    figure = blank_figure(x="Actual runtime (s)", y="Predicted from the other core count (s)")
    directions = sorted({(c.observed, c.predicted) for c in crossed})
    for colour, (observed, predicted) in zip(_cycle(len(directions)), directions, strict=True):
        chosen = [c for c in crossed if (c.observed, c.predicted) == (observed, predicted)]
        figure.add_scatter(
            x=[c.actual_s for c in chosen],
            y=[c.predicted_s for c in chosen],
            text=[c.workload for c in chosen],
            name=f"{observed} → {predicted}",
            mode="markers",
            marker={"color": colour, "size": 10},
            error_y={
                "type": "data",
                "array": [c.interval_80_s.high - c.predicted_s for c in chosen],
                "arrayminus": [c.predicted_s - c.interval_80_s.low for c in chosen],
                "thickness": 1.2,
            },
            hovertemplate="%{text}: %{y:.1f} s for %{x:.1f} s",
        )
    _add_diagonal(figure, [c.actual_s for c in crossed])
    return figure


def replay_error_bars(errors: Mapping[str, float]) -> go.Figure:
    """Return the distribution of replay errors over runs."""
    figure = blank_figure(x="Replay error of the cluster that ran (%)", y="Runs")
    figure.add_histogram(
        x=[error * PERCENT for error in errors.values()],
        marker={"color": COLOURS[0], "line": {"color": "white", "width": 1}},
        xbins={"start": 0, "size": 0.25},
    )
    return figure


def _add_diagonal(figure: go.Figure, actual_s: Sequence[float]) -> None:
    longest_s = max(actual_s, default=1.0) * 1.1
    figure.add_scatter(
        x=[0, longest_s],
        y=[0, longest_s],
        mode="lines",
        line={"color": INK, "width": 1, "dash": "dot"},
        name="exact",
        hoverinfo="skip",
    )
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")


def _by_workload(found: Sequence[Lineage]) -> dict[str, list[Lineage]]:
    groups: dict[str, list[Lineage]] = {}
    for lineage in found:
        groups.setdefault(lineage.trial.workload, []).append(lineage)
    return groups


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _project_name(lineage: Lineage) -> str:
    name = f"{lineage.trial.workload} from {lineage.baseline.spec}"
    return name if lineage.child.runtime_s is not None else f"{name} (failed)"


def _core_ratio(lineage: Lineage, node_types: Sequence[NodeType]) -> float:
    parent = total_cores(lineage.parent.spec, node_types)
    return total_cores(lineage.child.spec, node_types) / parent


def _sideways(lineage: Lineage) -> float:
    """Return a small shift of the exponent, by trial, so that equal points do not hide another."""
    places = 9
    return (lineage.trial.ordinal % places - places // 2) * 0.02


def _hover(lineage: Lineage, node_types: Sequence[NodeType]) -> str:
    memory_gib = node_type_of(lineage.child.spec, node_types).memory_gib
    return (
        f"{lineage.trial.workload}<br>{lineage.parent.spec} → {lineage.child.spec} "
        f"({memory_gib:g} GiB a worker)<br>predicted {lineage.prediction.runtime_s:.1f} s, "
        f"actual {_seconds(lineage.child)}"
    )


def _seconds(run: Run) -> str:
    return "unknown" if run.runtime_s is None else f"{run.runtime_s:.1f} s"


def _milli_usd(run: Run) -> float | None:
    """Return the cost, or None, which Plotly draws as a gap."""
    return None if run.cost is None else run.cost.total_usd * MILLI_USD_PER_USD
