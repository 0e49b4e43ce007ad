"""One project's history in, Plotly figures over its runs out; pages and report draw the same.

All three share their x axis, the number of the run, so that one can be read above the other.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import plotly.graph_objects as go

from isocost.domain.change import ChangeKind, ChangeState
from isocost.domain.recommendation import Interval
from isocost.domain.run import Run
from isocost.jobbank.figures import COLOURS, INK, blank_figure
from isocost.units import S_PER_HOUR, S_PER_MINUTE
from isocost.usecases.foretold import foretold
from isocost.usecases.project_history import ProjectHistory
from isocost.usecases.project_view import ExecutionView
from isocost.web import hover
from isocost.web.wording import seconds

BLUE, ORANGE, GREEN, PINK, YELLOW, SKY = COLOURS[:6]
PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "driver": ("driver", "#52606d"),
    "workers": ("workers", BLUE),
    "spot": ("spot workers", SKY),
    "disks": ("disks", YELLOW),
    "dbu": ("DBU", GREEN),
}
_TICKS: Final = 12  # dates that stand beside each other without touching
_ASIDE: Final = 0.36  # of the distance between two runs
_HIDDEN: Final = {"hoverinfo": "skip"}


def cost_timeline(history: ProjectHistory) -> go.Figure:
    """Return the list cost of each run, stacked by what it was paid for, against the baseline."""
    figure = _timeline(history, y="List cost of one run (USD)", height=340)
    x = [each.execution.ordinal for each in history.executions]
    parts = [_parts_usd(each.runs) for each in history.executions]
    for key, (name, colour) in PARTS.items():
        values = [part.get(key) for part in parts]
        if any(values):
            figure.add_bar(
                x=x,
                y=values,
                name=name,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=f"{name} %{{y:.4g}} USD<extra></extra>",
            )
    tops = {each.execution.execution_id: each.cost_usd for each in history.executions}
    _add_level(
        figure, history, history.view.baseline_usd, name=f"baseline: {history.baseline_name}"
    )
    _add_anomalies(figure, history, tops)
    costs = [*filter(None, tops.values()), history.view.baseline_usd or 0.0]
    _add_turns(figure, history, top=max(costs) * 1.08)
    figure.update_layout(barmode="stack", bargap=0.15)
    figure.update_yaxes(rangemode="tozero")
    return figure


def runtime_timeline(history: ProjectHistory) -> go.Figure:
    """Return how long each run took against the deadline and what was predicted of it."""
    unit_s, unit = _time_unit(history)
    figure = _timeline(history, y=f"Runtime ({unit})", height=340)
    keys = _cluster_keys(history)
    for place, key in enumerate(keys):
        # Beside each other, for clusters of one run take similar times.
        aside = (place - (len(keys) - 1) / 2) * _ASIDE
        _add_intervals(figure, history, key, unit_s=unit_s, aside=aside)
    for place, key in enumerate(keys):
        aside = (place - (len(keys) - 1) / 2) * _ASIDE
        _add_applications(figure, history, key, unit_s=unit_s, aside=aside)
    sla = history.view.project.sla
    figure.add_scatter(
        x=[each.execution.ordinal for each in history.executions],
        y=[each.execution.duration_s / unit_s for each in history.executions],
        name="whole run, with the start of its clusters",
        mode="markers",
        marker={
            "symbol": [_run_symbol(each) for each in history.executions],
            "size": 7,
            "color": [ORANGE if each.is_sla_met is False else INK for each in history.executions],
        },
        customdata=[hover.execution(each) for each in history.executions],
        hovertemplate="%{customdata}<extra></extra>",
    )
    if sla is not None:
        _add_level(
            figure,
            history,
            sla.max_runtime_s / unit_s,
            name=f"SLA: at most {seconds(sla.max_runtime_s)}",
        )
    durations = {
        each.execution.execution_id: each.execution.duration_s / unit_s
        for each in history.executions
    }
    _add_anomalies(figure, history, durations)
    figure.update_yaxes(rangemode="tozero")
    return figure


def cluster_timeline(history: ProjectHistory) -> go.Figure:
    """Return which cluster each run had, one row for each spec."""
    specs = _specs(history)
    figure = _timeline(history, y="", height=110 + 26 * len(specs))
    keys = _cluster_keys(history)
    for place, key in enumerate(keys):
        runs = _runs_of(history, key)
        figure.add_scatter(
            x=[each.execution.ordinal for each, _ in runs],
            y=[str(run.asked_spec or run.spec) for _, run in runs],
            name=escape(key),
            mode="lines+markers",
            # The first is the widest, so that one that runs on the same cluster does not hide it.
            line={"shape": "hv", "width": max(1.5, 5.0 - 2 * place), "color": _colour(place)},
            marker={
                "size": max(6, 13 - 4 * place),
                "color": _colour(place),
                "symbol": ["x" if run.failure else "circle" for _, run in runs],
            },
            customdata=[hover.cluster(each, run) for each, run in runs],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(showlegend=len(keys) > 1)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=specs[::-1], automargin=True
    )
    return figure


def _timeline(history: ProjectHistory, *, y: str, height: int) -> go.Figure:
    """Return an empty figure over the project's runs."""
    figure = blank_figure(x="", y=y)
    figure.update_layout(height=height, margin={"l": 70, "r": 20, "t": 20, "b": 40})
    figure.update_layout(legend={"traceorder": "normal", "font": {"size": 12}})
    ordinals = [each.execution.ordinal for each in history.executions]
    every = max(1, -(-len(ordinals) // _TICKS))
    shown = history.executions[::every]
    figure.update_xaxes(
        tickvals=[each.execution.ordinal for each in shown],
        ticktext=[
            f"{each.execution.ordinal}<br>{each.execution.started_at:%d %b}" for each in shown
        ],
        showgrid=False,
        range=[min(ordinals) - 0.7, max(ordinals) + 0.7] if ordinals else None,
    )
    return figure


def _add_level(
    figure: go.Figure, history: ProjectHistory, value: float | None, *, name: str
) -> None:
    if value is None or not history.executions:
        return
    first, last = history.executions[0].execution, history.executions[-1].execution
    figure.add_scatter(
        x=[first.ordinal - 0.6, last.ordinal + 0.6],
        y=[value, value],
        name=name,
        mode="lines",
        line={"color": ORANGE, "width": 1.5, "dash": "dash"},
        **_HIDDEN,
    )


def _add_intervals(
    figure: go.Figure, history: ProjectHistory, cluster_key: str, *, unit_s: float, aside: float
) -> None:
    expected = list(foretold(history, _runs_of(history, cluster_key)))
    if not expected:
        return
    x = [each.ordinal + aside for each in expected]
    middle = [each.median_s / unit_s for each in expected]
    for name, intervals, width in (
        ("expected, 95 % interval", [each.within_95_s for each in expected], 3),
        ("expected, 80 % interval", [each.within_80_s for each in expected], 8),
    ):
        figure.add_scatter(
            x=x,
            y=middle,
            name=name,
            # One entry of the legend stands for all clusters.
            legendgroup=name,
            showlegend=name not in {trace.name for trace in figure.data},
            mode="markers",
            marker={"symbol": "line-ew", "size": 4, "line": {"color": SKY, "width": width}},
            error_y=_bars(middle, intervals, unit_s=unit_s, width=width),
            customdata=[hover.interval(name, interval) for interval in intervals],
            hovertemplate="%{customdata}<extra></extra>",
            opacity=0.55,
        )


def _bars(
    middle: Sequence[float], intervals: Sequence[Interval], *, unit_s: float, width: int
) -> dict[str, object]:
    pairs = list(zip(middle, intervals, strict=True))
    return {
        "type": "data",
        "array": [max(0.0, i.high / unit_s - m) for m, i in pairs],
        "arrayminus": [max(0.0, m - i.low / unit_s) for m, i in pairs],
        "thickness": width,
        "width": 0,
        "color": SKY,
    }


def _add_applications(
    figure: go.Figure, history: ProjectHistory, cluster_key: str, *, unit_s: float, aside: float
) -> None:
    colour = _colour(_cluster_keys(history).index(cluster_key))
    ran = [(e, r) for e, r in _runs_of(history, cluster_key) if r.runtime_s is not None]
    figure.add_scatter(
        x=[each.execution.ordinal + aside for each, _ in ran],
        y=[(run.runtime_s or 0.0) / unit_s for _, run in ran],
        name=f"application on {escape(cluster_key)}",
        mode="markers",
        marker={"size": 8, "color": colour, "line": {"color": "white", "width": 1}},
        customdata=[hover.cluster(each, run) for each, run in ran],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _add_anomalies(
    figure: go.Figure, history: ProjectHistory, heights: Mapping[str, float | None]
) -> None:
    """Ring the runs that deviated for a known cause; say which in their hover."""
    found = [
        (each, run)
        for each, run in reversed(history.anomalies)
        if heights.get(each.execution.execution_id) is not None
    ]
    if not found:
        return
    figure.add_scatter(
        x=[each.execution.ordinal for each, _ in found],
        y=[heights[each.execution.execution_id] for each, _ in found],
        name="deviates, with its causes",
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 15,
            "color": "#b44400",
            "line": {"width": 2.5},
        },
        customdata=[hover.deviation(each, run) for each, run in found],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _add_turns(figure: go.Figure, history: ProjectHistory, *, top: float) -> None:
    """Mark where another cluster came into force, and where one was taken back."""
    for kind, name, colour, symbol in (
        (ChangeKind.APPLY, "cluster changed before this run", PINK, "triangle-down"),
        (ChangeKind.ROLL_BACK, "went back before this run", "#000000", "triangle-left"),
    ):
        made = [
            (first, change)
            for change in history.turns
            if change.kind is kind
            and change.state is ChangeState.MADE
            and (first := history.execution_after(change)) is not None
        ]
        if made:
            figure.add_scatter(
                x=[first.ordinal for first, _ in made],
                y=[top] * len(made),
                name=name,
                mode="markers",
                marker={
                    "symbol": symbol,
                    "size": 11,
                    "color": colour,
                    "line": {"color": "white", "width": 1},
                },
                customdata=[hover.change(history, change) for _, change in made],
                hovertemplate="%{customdata}<extra></extra>",
            )


def _parts_usd(runs: Sequence[Run]) -> dict[str, float]:
    """Return the sums over a run's clusters; nothing where one of them has no known cost."""
    costs = [run.cost.parts_usd for run in runs if run.cost is not None]
    if len(costs) < len(runs):
        return {}
    return {key: sum(cost[key] for cost in costs) for key in PARTS} if costs else {}


def _runs_of(history: ProjectHistory, cluster_key: str) -> list[tuple[ExecutionView, Run]]:
    return [
        (each, run)
        for each in history.executions
        for run in each.runs
        if run.cluster_key == cluster_key
    ]


def _cluster_keys(history: ProjectHistory) -> list[str]:
    return sorted({run.cluster_key for each in history.executions for run in each.runs})


def _specs(history: ProjectHistory) -> list[str]:
    """Return all specs, in the order in which they came."""
    found = {
        str(run.asked_spec or run.spec): None for each in history.executions for run in each.runs
    }
    return list(found)


def _time_unit(history: ProjectHistory) -> tuple[float, str]:
    longest_s = max((each.execution.duration_s for each in history.executions), default=0.0)
    if longest_s > 3 * S_PER_HOUR:
        return S_PER_HOUR, "h"
    return (S_PER_MINUTE, "min") if longest_s > 3 * S_PER_MINUTE else (1.0, "s")


def _run_symbol(each: ExecutionView) -> str:
    return "diamond" if each.execution.is_success else "x"


def _colour(place: int) -> str:
    return (BLUE, GREEN, PINK, YELLOW)[place % 4]
