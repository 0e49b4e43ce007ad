"""A run profile in; Plotly figures of its cores, stages and spark tasks out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from isocost.domain.profile import (
    ExecutorSpan,
    RunProfile,
    StageProfile,
    StageStatus,
    TimeShares,
)
from isocost.units import PERCENT

# Okabe and Ito's palette: told apart by readers with any colour vision.
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
RED, ORANGE, PINK, GREY = "#D55E00", "#E69F00", "#CC79A7", "#9aa5b1"
INK: Final = "#1f2933"
GRID: Final = "#e4e7eb"

MAX_EXECUTORS: Final = 60  # bars that can still be told apart on one screen
MAX_STAGES: Final = 15  # boxes likewise; the longest stages are drawn
MAX_BARS: Final = 4_000  # stages in the Gantt chart; more make browsers slow

_SHARES: Final = (
    ("cpu", "CPU", BLUE),
    ("io", "I/O and other waiting", SKY),
    ("shuffle_wait", "shuffle wait", ORANGE),
    ("shuffle_write", "shuffle write", "#F0C674"),
    ("gc", "garbage collection", RED),
    ("scheduler_delay", "scheduler delay", GREY),
    ("deserialize", "deserialization", PINK),
    ("result", "result", GREEN),
)


_LABELS: Final[dict[str, Any]] = {
    "textposition": "inside",
    "insidetextanchor": "middle",
    "textangle": 0,
    "constraintext": "none",
    "textfont": {"size": 11},
}


@dataclass(frozen=True, slots=True)
class _Ran:
    """A stage attempt with both times."""

    stage: StageProfile
    begin_s: float
    end_s: float
    is_critical: bool

    @property
    def name(self) -> str:
        suffix = f".{self.stage.attempt_id}" if self.stage.attempt_id else ""
        return f"{self.stage.stage_id}{suffix}"


def cores_over_time(profile: RunProfile) -> go.Figure:
    """Return the cores that were there and those that ran spark tasks, over time."""
    figure = _figure("Seconds since the application's start", "Cores", height=260)
    times_s, cores = _cores_there(profile)
    figure.add_scatter(
        x=times_s,
        y=cores,
        name="there",
        mode="lines",
        line={"color": INK, "width": 1.5, "shape": "hv"},
        hovertemplate="%{y} cores there<extra></extra>",
    )
    busy = profile.busy_cores
    if busy is not None:
        figure.add_scatter(
            x=[busy.step_s * n for n in range(len(busy.cores))],
            y=[round(count, 2) for count in busy.cores],
            name="running spark tasks",
            mode="lines",
            fill="tozeroy",
            line={"color": BLUE, "width": 0.5, "shape": "hv"},
            fillcolor="rgba(0,114,178,0.55)",
            hovertemplate="%{y:.1f} cores busy<extra></extra>",
        )
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(range=[0, _end_s(profile)])
    figure.update_yaxes(rangemode="tozero")
    return figure


def executor_timeline(profile: RunProfile) -> go.Figure:
    """Return a bar for each executor's stay; those that left before the end stand out."""
    spans = profile.executors[:MAX_EXECUTORS]
    end_s = _end_s(profile)
    figure = _figure(
        "Seconds since the application's start", "", height=100 + 20 * max(3, len(spans))
    )
    for is_lost, name, colour in ((False, "there at the end", GREEN), (True, "left", RED)):
        rows = [n for n, span in enumerate(spans) if _has_left(span, end_s) == is_lost]
        if rows:
            figure.add_bar(
                orientation="h",
                y=rows,
                base=[spans[n].added_s for n in rows],
                x=[_stay_s(spans[n], end_s) for n in rows],
                width=0.8,
                name=name,
                text=[_executor_name(spans[n]) for n in rows],
                **_LABELS,
                marker={"color": colour, "line": {"width": 0}},
                customdata=[[_executor_hover(spans[n])] for n in rows],
                hovertemplate="%{customdata[0]}<extra></extra>",
            )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(range=[0, end_s])
    _without_row_names(figure, len(spans))
    return figure


def stage_gantt(profile: RunProfile) -> go.Figure:
    """Return a bar for each stage, packed into as few rows as ran at one time."""
    ran = _ran(profile)[:MAX_BARS]
    rows = _packed(ran)
    row_count = max(rows, default=0) + 1
    figure = _figure(
        "Seconds since the application's start", "", height=min(900, 110 + 30 * max(2, row_count))
    )
    for name, colour, chosen in _gantt_groups(ran):
        if not chosen:
            continue
        figure.add_bar(
            orientation="h",
            y=[rows[i] for i in chosen],
            base=[ran[i].begin_s for i in chosen],
            x=[max(ran[i].end_s - ran[i].begin_s, 1e-3) for i in chosen],
            width=0.86,
            name=name,
            text=[_bar_label(ran[i], profile.runtime_s) for i in chosen],
            **_LABELS,
            marker={"color": colour, "line": {"color": "white", "width": 0.5}},
            customdata=[[_stage_hover(ran[i].stage)] for i in chosen],
            hovertemplate="%{customdata[0]}<extra></extra>",
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(range=[0, _end_s(profile)])
    _without_row_names(figure, row_count)
    return figure


def task_durations(profile: RunProfile) -> go.Figure:
    """Return a box for each of the longest stages: 5 to 95 %, and the longest spark task."""
    ran = _longest(profile)
    figure = _figure("Spark task duration (s)", "", height=110 + 30 * max(2, len(ran)))
    boxes = [r for r in ran if r.stage.durations.count]
    quantiles = [r.stage.durations.quantiles_s for r in boxes]
    names = [_row_name(r) for r in boxes]
    figure.add_box(
        orientation="h",
        y=names,
        lowerfence=[_shown_s(q[1]) for q in quantiles],
        q1=[_shown_s(q[2]) for q in quantiles],
        median=[_shown_s(q[3]) for q in quantiles],
        q3=[_shown_s(q[4]) for q in quantiles],
        upperfence=[_shown_s(q[5]) for q in quantiles],
        name="5, 25, 50, 75, 95 %",
        fillcolor="rgba(86,180,233,0.4)",
        line={"color": BLUE, "width": 1.5},
        hoverinfo="x",
    )
    figure.add_scatter(
        x=[_shown_s(q[-1]) for q in quantiles],
        y=names,
        mode="markers",
        name="longest",
        marker={"color": RED, "size": 8, "symbol": "diamond"},
        hovertemplate="longest: %{x:.3g} s<extra></extra>",
    )
    figure.update_xaxes(type="log", showgrid=True, dtick="D2", tickformat="~g")
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def time_shares(profile: RunProfile) -> go.Figure:
    """Return where the spark tasks' time of each of the longest stages went."""
    known = [(r, r.stage.time_shares) for r in _longest(profile) if r.stage.time_shares]
    figure = _figure(
        "Share of the spark tasks' time (%)", "", height=110 + 30 * max(2, len(known))
    )
    for field, label, colour in _SHARES:
        figure.add_bar(
            orientation="h",
            y=[_row_name(r) for r, _ in known],
            x=[_share_percent(shares, field) for _, shares in known],
            name=label,
            marker={"color": colour},
            hovertemplate=f"{label}: %{{x:.1f}} %<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.25, legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, PERCENT])
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def _figure(x: str, y: str, *, height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 70, "r": 20, "t": 34, "b": 46},
        font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
        showlegend=True,
    )
    figure.update_xaxes(title=x, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(title=y, gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def _end_s(profile: RunProfile) -> float:
    """Return where time axes end: the runtime, or later where a stage outlived it."""
    return max([profile.runtime_s, *(s.completed_s or 0.0 for s in profile.stages)], default=0.0)


def _cores_there(profile: RunProfile) -> tuple[list[float], list[int]]:
    changes = [(max(0.0, s.added_s), s.cores) for s in profile.executors]
    changes += [(s.removed_s, -s.cores) for s in profile.executors if s.removed_s is not None]
    times_s, cores, now = [0.0], [0], 0
    for time_s, change in sorted(changes):
        now += change
        times_s.append(time_s)
        cores.append(now)
    return [*times_s, _end_s(profile)], [*cores, now]


def _executor_name(span: ExecutorSpan) -> str:
    return _plain(f"{span.executor_id} on {span.host or '?'}")


def _has_left(span: ExecutorSpan, end_s: float) -> bool:
    return span.removed_s is not None and span.removed_s < end_s


def _without_row_names(figure: go.Figure, row_count: int) -> None:
    """Hide the axis of a chart whose bars carry their names, so that times line up."""
    figure.update_yaxes(
        range=[row_count - 0.5, -0.5], showticklabels=False, showgrid=False, fixedrange=True
    )


def _stay_s(span: ExecutorSpan, end_s: float) -> float:
    until_s = end_s if span.removed_s is None else min(end_s, span.removed_s)
    return max(0.0, until_s - span.added_s)


def _executor_hover(span: ExecutorSpan) -> str:
    lines = [
        f"<b>executor</b> {_executor_name(span)}",
        f"{span.cores} cores, {span.task_count} spark tasks, {span.task_s:.0f} s in them",
        f"came at {span.added_s:.1f} s",
    ]
    if span.removed_s is not None and span.removal_cause is not None:
        lines.append(f"left at {span.removed_s:.1f} s: {span.removal_cause.value}")
        lines.append(_plain((span.removal_reason or "")[:120]))
    return "<br>".join(line for line in lines if line)


def _ran(profile: RunProfile) -> list[_Ran]:
    """Return the stages by begin; one whose end was lost lasts until its last spark task."""
    on_path = {(step.stage_id, step.attempt_id) for step in profile.critical_path}
    found = []
    for stage in profile.stages:
        end_s = stage.completed_s if stage.completed_s is not None else stage.last_finish_s
        if stage.submitted_s is None:
            continue
        found.append(
            _Ran(
                stage,
                stage.submitted_s,
                max(stage.submitted_s, profile.runtime_s if end_s is None else end_s),
                (stage.stage_id, stage.attempt_id) in on_path,
            )
        )
    return sorted(found, key=lambda r: (r.begin_s, r.stage.stage_id))


def _longest(profile: RunProfile) -> list[_Ran]:
    """Return the longest stages, in order of time."""
    ranked = sorted(_ran(profile), key=lambda r: r.begin_s - r.end_s)[:MAX_STAGES]
    return sorted(ranked, key=lambda r: r.begin_s)


def _packed(ran: Sequence[_Ran]) -> list[int]:
    """Return a row for each stage such that none overlap; the earliest free row is taken."""
    row_ends_s: list[float] = []
    rows = []
    for stage in ran:
        free = (n for n, end_s in enumerate(row_ends_s) if end_s <= stage.begin_s)
        row = next(free, len(row_ends_s))
        if row == len(row_ends_s):
            row_ends_s.append(0.0)
        row_ends_s[row] = stage.end_s
        rows.append(row)
    return rows


def _gantt_groups(ran: Sequence[_Ran]) -> list[tuple[str, str, list[int]]]:
    groups: dict[str, list[int]] = {name: [] for name, _ in _GANTT_COLOURS}
    for position, stage in enumerate(ran):
        groups[_gantt_group(stage)].append(position)
    return [(name, colour, groups[name]) for name, colour in _GANTT_COLOURS]


_GANTT_COLOURS: Final = (
    ("on the critical path", ORANGE),
    ("other stages", SKY),
    ("failed", RED),
    ("unfinished", GREY),
)


def _gantt_group(ran: _Ran) -> str:
    if ran.stage.status is StageStatus.FAILED:
        return "failed"
    if ran.stage.status is StageStatus.UNFINISHED:
        return "unfinished"
    return "on the critical path" if ran.is_critical else "other stages"


def _bar_label(ran: _Ran, runtime_s: float) -> str:
    """Return the stage's ID where the bar is wide enough to hold it."""
    return ran.name if ran.end_s - ran.begin_s > runtime_s / 60 else ""


def _stage_hover(stage: StageProfile) -> str:
    durations = stage.durations
    lines = [
        f"<b>stage {stage.stage_id}.{stage.attempt_id}</b> {_plain(stage.name)[:60]}",
        f"{stage.task_count} of {stage.expected_task_count} spark tasks, "
        f"{stage.failed_task_count} failed, {stage.status.value}",
    ]
    if durations.count:
        lines.append(
            f"median {durations.quantiles_s[3]:.2f} s, longest {durations.quantiles_s[-1]:.2f} s"
        )
    if stage.submitted_s is not None and stage.completed_s is not None:
        lines.append(f"from {stage.submitted_s:.1f} to {stage.completed_s:.1f} s")
    operators = ", ".join(operator.name for operator in stage.operators)
    if operators:
        lines.append(_plain(operators)[:120])
    return "<br>".join(lines)


def _plain(text: str) -> str:
    """Return text without what Plotly takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _row_name(ran: _Ran) -> str:
    return f"{'* ' if ran.is_critical else ''}stage {ran.name}"


def _shown_s(seconds: float) -> float:
    """Return a duration that a logarithmic axis can show."""
    return max(seconds, 1e-3)


def _share_percent(shares: TimeShares | None, field: str) -> float:
    value: Any = getattr(shares, field, None)
    return 0.0 if value is None else float(value) * PERCENT
