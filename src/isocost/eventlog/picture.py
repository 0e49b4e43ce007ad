"""A run profile and its findings in, one self-contained HTML page out."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from plotly.offline import get_plotlyjs

from isocost.domain.finding import Finding
from isocost.domain.profile import RunProfile
from isocost.eventlog import figures
from isocost.eventlog.document import failures_of
from isocost.eventlog.wording import duration, size


@dataclass(frozen=True, slots=True)
class Section:
    """One plot with the sentence that says what to see in it."""

    title: str
    caption: str
    plot: str


def picture(profile: RunProfile, findings: Sequence[Finding]) -> str:
    """Return the page; it needs no network, for Plotly's script is part of it."""
    environment = Environment(
        loader=PackageLoader("isocost.eventlog"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "size": size}
    return environment.get_template("profile.html").render(
        profile=profile,
        totals=profile.totals,
        findings=findings,
        failures=failures_of(profile),
        sections=_sections(profile),
        plotly_js=get_plotlyjs(),
    )


def _sections(profile: RunProfile) -> list[Section]:
    sections = []
    if profile.executors:
        hidden = len(profile.executors) - figures.MAX_EXECUTORS
        more = f" The first {figures.MAX_EXECUTORS} of {len(profile.executors)}." * (hidden > 0)
        sections = [
            Section(
                "Cores over time",
                "White under the line is paid for and idle.",
                _html(figures.cores_over_time(profile)),
            ),
            Section(
                "Executors",
                "When each came and whether it stayed; point at a bar for the reason it left."
                + more,
                _html(figures.executor_timeline(profile)),
            ),
        ]
    if profile.stages:
        sections += _stage_sections(profile)
    return sections


def _stage_sections(profile: RunProfile) -> list[Section]:
    longest = f"The {min(len(profile.stages), figures.MAX_STAGES)} longest stages"
    return [
        Section(
            "Stages",
            "One bar a stage; stages that ran at the same time stand in different rows. The "
            "runtime waited for those on the critical path, and for the driver in the gaps "
            "between them.",
            _html(figures.stage_gantt(profile)),
        ),
        Section(
            "Spark task durations",
            f"{longest}, * on the critical path. The scale is logarithmic: a diamond far to the "
            "right of its box is skew.",
            _html(figures.task_durations(profile)),
        ),
        Section(
            "Where the spark tasks' time went",
            f"{longest}, * on the critical path."
            + ("" if profile.is_cpu_known else " This Spark version records no CPU time."),
            _html(figures.time_shares(profile)),
        ),
    ]


def _html(figure: go.Figure) -> str:
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return html
