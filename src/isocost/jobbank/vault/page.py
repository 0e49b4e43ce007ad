"""A recording in, one self-contained HTML page with its shape and its growth out."""

from collections import defaultdict
from typing import Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from isocost.jobbank.figures import COLOURS, INK, Plot, blank_figure
from isocost.jobbank.pages import page_template
from isocost.jobbank.vault.drawing import depths_of
from isocost.jobbank.vault.growth import SIZES_GB, scaled
from isocost.jobbank.vault.recording import Recording, spark_task_count
from isocost.simulator.workload import SimulatedStage, Workload
from isocost.units import BYTES_PER_GB, S_PER_HOUR

_LEAST_DOT, _MOST_DOT = 10.0, 46.0
_EDGE_COLOUR: Final = "#9aa5b1"
_ROW_PX: Final = 26


def recording_html(recording: Recording, input_gb: float) -> str:
    """Return the page; it needs no network, for Plotly's script is part of it."""
    workload = scaled(recording, input_gb)
    sections = [
        Plot(
            "stages",
            "Stages and what they read",
            "Each dot is a stage, as large as its CPU time: blue ones scan, green ones read "
            "shuffles, pink ones cached data, orange ones write. Lines are shuffles, dotted ones "
            "caches; what is broadcast has no line. Point at a dot for its numbers.",
            stage_graph(workload),
        ),
        Plot(
            "cpu",
            "CPU time of each stage",
            f"At {input_gb:g} GB, on the simulator's reference core.",
            stage_bars(workload),
        ),
        Plot(
            "growth",
            "Growth",
            "Spark tasks and CPU hours against the gigabytes read, by the rules of growth.",
            growth_curves(recording),
        ),
    ]
    return page_template("vault.html").render(
        recording=recording,
        workload=workload,
        input_gb=input_gb,
        spark_task_count=spark_task_count(workload),
        cpu_hours=sum(stage.cpu_s for stage in workload.stages) / S_PER_HOUR,
        data_gb=recording.data_bytes / BYTES_PER_GB,
        sections=sections,
        plotly_js=get_plotlyjs(),
    )


def stage_graph(workload: Workload) -> go.Figure:
    """Return the DAG: depth to the right, stages of one depth below each other."""
    places = _places(workload)
    figure = blank_figure(x="Stages before it on the longest chain", y="")
    for stage in workload.stages:
        for parent_id in stage.parent_ids:
            _add_edge(figure, places[parent_id], places[stage.stage_id], is_cached=False)
        if stage.cache_source_id is not None:
            source = places[stage.cache_source_id]
            _add_edge(figure, source, places[stage.stage_id], is_cached=True)
    heaviest = max(stage.cpu_s for stage in workload.stages) or 1.0
    figure.add_scatter(
        x=[places[stage.stage_id][0] for stage in workload.stages],
        y=[places[stage.stage_id][1] for stage in workload.stages],
        mode="markers+text",
        text=[str(stage.stage_id) for stage in workload.stages],
        textposition="top center",
        marker={
            "color": [_colour(stage) for stage in workload.stages],
            "size": [
                _LEAST_DOT + (_MOST_DOT - _LEAST_DOT) * (stage.cpu_s / heaviest) ** 0.5
                for stage in workload.stages
            ],
            "line": {"color": "white", "width": 1},
        },
        customdata=[_hover(stage) for stage in workload.stages],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    rows = 1 + max(-y for _, y in places.values())
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(visible=False)
    figure.update_layout(height=max(280, 90 + _ROW_PX * 2 * int(rows)))
    return figure


def stage_bars(workload: Workload) -> go.Figure:
    """Return CPU seconds, one bar a stage, first stage on top."""
    figure = blank_figure(x="CPU seconds", y="")
    figure.add_bar(
        x=[stage.cpu_s for stage in workload.stages],
        y=[f"{stage.stage_id} {stage.name}" for stage in workload.stages],
        orientation="h",
        marker={"color": [_colour(stage) for stage in workload.stages]},
        customdata=[_hover(stage) for stage in workload.stages],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=max(240, 90 + _ROW_PX * len(workload.stages)))
    return figure


def growth_curves(recording: Recording) -> go.Figure:
    """Return spark tasks and CPU hours at all sizes that a workload may be given by default."""
    grown = [scaled(recording, size) for size in SIZES_GB]
    hours = [sum(stage.cpu_s for stage in each.stages) / S_PER_HOUR for each in grown]
    figure = blank_figure(x="Read (GB)", y="Spark tasks, CPU hours")
    counts = [spark_task_count(each) for each in grown]
    for name, values, colour in (
        ("spark tasks", counts, COLOURS[0]),
        ("CPU hours", hours, COLOURS[1]),
    ):
        figure.add_scatter(
            x=list(SIZES_GB), y=values, name=name, mode="lines+markers", line={"color": colour}
        )
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    return figure


def _places(workload: Workload) -> dict[int, tuple[float, float]]:
    depths = depths_of(workload.stages)
    taken: dict[int, int] = defaultdict(int)
    places = {}
    for stage in workload.stages:
        depth = depths[stage.stage_id]
        places[stage.stage_id] = (float(depth), -float(taken[depth]))
        taken[depth] += 1
    return places


def _add_edge(
    figure: go.Figure,
    begin: tuple[float, float],
    end: tuple[float, float],
    *,
    is_cached: bool,
) -> None:
    figure.add_scatter(
        x=[begin[0], end[0]],
        y=[begin[1], end[1]],
        mode="lines",
        line={"color": _EDGE_COLOUR, "width": 1.5, "dash": "dot" if is_cached else "solid"},
        hoverinfo="skip",
        showlegend=False,
    )


def _colour(stage: SimulatedStage) -> str:
    if stage.cache_source_id is not None:
        return COLOURS[3]
    if stage.output_bytes > 0:
        return COLOURS[1]
    return COLOURS[0] if stage.input_bytes > 0 else COLOURS[2] if stage.parent_ids else INK


def _hover(stage: SimulatedStage) -> str:
    shuffled = (stage.shuffle_read_bytes + stage.shuffle_write_bytes) / BYTES_PER_GB
    return (
        f"stage {stage.stage_id}: {stage.name}<br>{stage.spark_task_count:,} spark tasks, "
        f"{stage.cpu_s:,.0f} CPU seconds<br>reads {stage.input_bytes / BYTES_PER_GB:,.2f} GB, "
        f"shuffles {shuffled:,.2f} GB, writes {stage.output_bytes / BYTES_PER_GB:,.2f} GB"
    )
