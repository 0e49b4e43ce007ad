"""Templates and figures in, HTML out; pages and report are made of the same parts."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

import plotly.graph_objects as go
import plotly.io
from jinja2 import (
    ChoiceLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
    Template,
    select_autoescape,
)
from markupsafe import Markup

from isocost.jobbank.figures import Plot
from isocost.usecases.project_history import ProjectHistory
from isocost.usecases.project_view import ProjectView
from isocost.web import wording
from isocost.web.figures import cluster_timeline, cost_timeline, runtime_timeline

_STATIC: Final = files("isocost.web") / "static"


@cache
def _environment() -> Environment:
    environment = Environment(
        # Reports and pages of experiments have parts in common.
        loader=ChoiceLoader([PackageLoader("isocost.web"), PackageLoader("isocost.jobbank")]),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("usd", "percent", "change", "seconds", "moment", "words"):
        environment.filters[name] = getattr(wording, name)
    environment.filters["embedded"] = embedded
    return environment


def template(name: str) -> Template:
    """Return one of the pages' templates."""
    return _environment().get_template(name)


def static_text(name: str) -> str:
    """Return a file of ours that pages link to and the report holds."""
    return (_STATIC / name).read_text(encoding="utf-8")


def embedded(figure: go.Figure) -> Markup:
    """Return a figure as JSON that may stand inside a `<script>`, without its template."""
    value = figure.to_plotly_json()
    value["layout"].pop("template", None)
    return _as_script(value)


def plot_template() -> Markup:
    """Return what all figures of a page have in common, as JSON; 7 kB that stand there once."""
    return _as_script(plotly.io.templates["plotly_white"].to_plotly_json())


def _as_script(value: object) -> Markup:
    text = str(plotly.io.json.to_json_plotly(value))
    # The only way out of a script element is its end tag.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  escaped just here


def plots(history: ProjectHistory, prefix: str = "") -> list[Plot]:
    """Return a project's figures; none before a run has been collected.

    Args:
        history: of the project.
        prefix: of the figures' ids, where one page shows several projects.
    """
    if not any(each.runs for each in history.executions):
        return []
    return [
        Plot(
            f"{prefix}cost",
            "Cost per run",
            f"List cost by what it was paid for. {_baseline_sentence(history)} A ring marks a run "
            "that deviated from its expectation; point at it for the causes.",
            cost_timeline(history),
        ),
        Plot(
            f"{prefix}runtime",
            "Runtime per run",
            f"{_sla_sentence(history)} A blue bar is what was expected before the run of the "
            "application, without the start of its cluster: of the first on a cluster what its "
            "recommendation predicted. Four of five dots should lie on the dark one.",
            runtime_timeline(history),
        ),
        Plot(
            f"{prefix}clusters",
            "Clusters",
            "Which cluster each run was given: workers × node type.",
            cluster_timeline(history),
        ),
    ]


def _baseline_sentence(history: ProjectHistory) -> str:
    if history.view.baseline_usd is None:
        return "The baseline is set once the first runs have been collected."
    return (
        f"The dashed line is the baseline, {wording.usd(history.view.baseline_usd)}: the "
        f"{history.baseline_name}."
    )


def _sla_sentence(history: ProjectHistory) -> str:
    sla = history.view.project.sla
    if sla is None:
        return (
            "This project has no SLA, so nothing is late. Set one: isocost project set "
            f"{history.view.project.project_id} --max-runtime 45m"
        )
    return (
        f"The whole run, with the start of its clusters, should end within "
        f"{wording.seconds(sla.max_runtime_s)} in {wording.percent(sla.asked_probability)} of all "
        "cases; orange ones did not."
    )


def next_step(view: ProjectView) -> str:
    """Return what a page without runs says to do next."""
    if view.fault is not None:
        return "Remedy what is said above; the project is looked at again by itself."
    if view.execution_count:
        return "A run has ended and is being collected; its event log takes some minutes to come."
    return (
        "No run has ended since the import. It appears here some minutes after its end; to see "
        "one sooner, start the job in its workspace."
    )


def page(name: str, **values: Any) -> str:  # noqa: ANN401  whatever its template shows
    """Return one page of HTML."""
    return template(name).render(
        plots=plots, next_step=next_step, plot_template=plot_template, **values
    )
