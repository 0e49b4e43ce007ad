"""An experiment's record in, one self-contained HTML page out."""

from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from plotly.offline import get_plotlyjs

from isocost.jobbank import figures
from isocost.jobbank.lineage import (
    ExperimentRecord,
    cross_predictions,
    lineages,
    replay_errors,
)
from isocost.jobbank.summary import summarize
from isocost.model.runtime import MAX_REPLAY_ERROR_FRACTION
from isocost.units import MILLI_USD_PER_USD, PERCENT


@dataclass(frozen=True, slots=True)
class Section:
    """One plot with the sentence that says what to see in it."""

    title: str
    caption: str
    plot: str


def report_html(record: ExperimentRecord, *, made_at: datetime) -> str:
    """Return the report; it needs no network, for Plotly's script is part of it."""
    return page_template("report.html").render(
        experiment=record.experiment,
        summary=summarize(record),
        lineages=lineages(record),
        set_aside=[t.trial for t in record.trials if t.trial.failure],
        abstained=[t.trial for t in record.trials if t.trial.abstentions],
        sections=_sections(record),
        per_cent=PERCENT,
        milli_usd_per_usd=MILLI_USD_PER_USD,
        plotly_js=get_plotlyjs(),
        made_at=made_at,
    )


def page_template(name: str) -> Template:
    """Return a template of this package's pages."""
    environment = Environment(
        loader=PackageLoader("isocost.jobbank"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _sections(record: ExperimentRecord) -> list[Section]:
    found = lineages(record)
    crossed = cross_predictions(record)
    sections = [
        Section(
            "Prediction error against the change in cluster size",
            "One point per recommendation. Points above the line were predicted too slow, points "
            "below it too fast; the further from 1×, the more the model had to extrapolate.",
            figures.plot_html(figures.error_against_size_change(found, record.node_types)),
        ),
        Section(
            "Predicted and actual runtime",
            "Each bar is the 80 % interval that was given before the run; four of five should "
            "touch the dotted line.",
            figures.plot_html(figures.predicted_against_actual(found)),
        ),
        Section(
            "Cost before and after",
            "List cost of the cold start (the baseline) and of the newest recommended run. Where "
            "the deadline forced a larger cluster, the cost rises: that is the price of the SLA.",
            figures.plot_html(figures.cost_before_and_after(found)),
        ),
    ]
    if crossed:
        sections.append(
            Section(
                "The other core count",
                "Cold starts of one application predicted from each other: other cores, same "
                "memory. Nobody chose these clusters, so no luck of the choice is in the errors.",
                figures.plot_html(figures.other_core_count(crossed)),
            )
        )
    sections.append(
        Section(
            "Replay of the cluster that ran",
            "How far the replay is off where there is nothing to predict. Above "
            f"{MAX_REPLAY_ERROR_FRACTION * PERCENT:.0f} % that log's replay is not used.",
            figures.plot_html(figures.replay_error_bars(replay_errors(record))),
        )
    )
    return sections
