"""A measurement in; one self-contained HTML page with its curves and figures out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from isocost.jobbank.figures import COLOURS, Plot, blank_figure
from isocost.jobbank.measured.figures import mean_over_workloads
from isocost.jobbank.measured.judged import JudgedTrajectory
from isocost.jobbank.measured.measurement import Measurement
from isocost.jobbank.measured.plan import Protocol
from isocost.jobbank.pages import page_template
from isocost.jobbank.summary import Mean
from isocost.units import PERCENT

SEARCH_RUNS_SHOWN: Final = 20  # beyond it, what is left to find is within the noise of the grids

ValueAfter = Callable[[JudgedTrajectory, int], float | None]


def measurement_html(name: str, result: Measurement, *, made_at: datetime) -> str:
    """Return the page; it needs no network, for Plotly's script is part of it."""
    return page_template("measured.html").render(
        name=name,
        result=result,
        sections=_sections(result),
        percent=_percent,
        number=_number,
        plotly_js=get_plotlyjs(),
        made_at=made_at,
    )


def _sections(result: Measurement) -> list[Plot]:
    runs = result.terms.runs
    sections = [
        Plot(
            "production",
            "What production pays",
            "Cost of all runs up to this one, over as many runs of the cheapest cluster that "
            "keeps the deadline. Every policy begins on the same clusters; 1 is never reached, "
            "for finding it has to be paid.",
            _curves(
                result, Protocol.PRODUCTION, runs, value_after=JudgedTrajectory.cost_ratio_after
            ),
        ),
        Plot(
            "regret",
            "How far the best cluster so far is from the cheapest",
            "By the search protocol, which never stops before it has met the cheapest; over "
            "projects that had a run in time by then.",
            _curves(
                result,
                Protocol.SEARCH,
                SEARCH_RUNS_SHOWN,
                value_after=JudgedTrajectory.regret_after,
            ),
        ),
    ]
    if result.terms.deadline is not None:
        sections.append(
            Plot(
                "misses",
                "Missed deadlines",
                "Share of the runs from the second to this one that were late or failed.",
                _curves(
                    result, Protocol.PRODUCTION, runs, value_after=JudgedTrajectory.miss_fraction
                ),
            )
        )
    return sections


def _curves(
    result: Measurement, protocol: Protocol, runs: int, *, value_after: ValueAfter
) -> go.Figure:
    figure = blank_figure(x="Runs, the cold start included", y="Mean over workloads")
    for place, policy in enumerate(result.policies):
        judged = _judged(result, policy, protocol)
        means = [_mean_after(judged, count, value_after) for count in range(1, runs + 1)]
        if any(mean is not None for mean in means):
            _add_curve(figure, policy, means, colour=COLOURS[place % len(COLOURS)])
    return figure


def _mean_after(
    judged: Sequence[JudgedTrajectory], count: int, value_after: ValueAfter
) -> Mean | None:
    return mean_over_workloads(judged, lambda one: value_after(one, count))


def _add_curve(
    figure: go.Figure, policy: str, means: Sequence[Mean | None], *, colour: str
) -> None:
    figure.add_scatter(
        x=list(range(1, len(means) + 1)),
        y=[None if mean is None else mean.mean for mean in means],
        error_y={
            "type": "data",
            "array": [0.0 if mean is None else mean.se or 0.0 for mean in means],
            "thickness": 1,
            "width": 2,
        },
        name=policy,
        mode="lines+markers",
        line={"color": colour},
        marker={"size": 5},
    )


def _judged(result: Measurement, policy: str, protocol: Protocol) -> list[JudgedTrajectory]:
    by_name = {workload.name: workload for workload in result.workloads}
    return [
        JudgedTrajectory(t, by_name[t.trial.workload])
        for t in result.trajectories
        if (t.trial.policy, t.trial.protocol) == (policy, protocol)
    ]


def _percent(mean: Mean | None) -> str:
    return "–" if mean is None else f"{mean.mean * PERCENT:.1f} %"


def _number(mean: Mean | None) -> str:
    return "–" if mean is None else f"{mean.mean:.2f}"
