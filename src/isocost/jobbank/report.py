"""An experiment's record, or a comparison of two, in; one self-contained HTML page out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from plotly.offline import get_plotlyjs

from isocost.domain.experiment import Trial
from isocost.jobbank.analysis.comparison import Comparison
from isocost.jobbank.analysis.headline import headlines
from isocost.jobbank.analysis.selection import policy_told
from isocost.jobbank.lineage import ExperimentRecord, Lineage, lineages
from isocost.jobbank.pages import page_template
from isocost.jobbank.plots import wording
from isocost.jobbank.plots.comparison import comparison_plots
from isocost.jobbank.plots.experiment import experiment_plots
from isocost.jobbank.rows import rows_of
from isocost.jobbank.summary import summarize
from isocost.units import MILLI_USD_PER_USD, PERCENT

# Recommendations and reasons that are told one by one; of more, those that went most wrong. A page
# of 60 rows with their evidence has about 1 MB beside Plotly's script.
MOST_TOLD: Final = 60


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was not done for one trial."""

    trial: Trial
    text: str


def report_html(record: ExperimentRecord, *, made_at: datetime) -> str:
    """Return the report; it needs no network, for Plotly's script is part of it."""
    rows = rows_of(record)
    policy = policy_told(rows)
    found = [each for each in lineages(record) if each.trial.policy == policy]
    abstained = list(_abstentions(t.trial for t in record.trials))
    aside = [Reason(t.trial, t.trial.failure) for t in record.trials if t.trial.failure]
    return page_template("report.html").render(
        experiment=record.experiment,
        note=record.reached.note,
        headlines=headlines(rows),
        # Replaying each log and crossing all cold starts is for what ran on real Spark.
        model=None if record.experiment.plan.is_simulated else summarize(record).model,
        lineages=_worst(found),
        lineage_count=len(found),
        lineage_policy=policy,
        is_start_up_known=any(each.took_s != each.child.runtime_s for each in found),
        set_aside=aside,
        abstained=abstained,
        most_told=MOST_TOLD,
        wording=wording,
        plots=experiment_plots(record, rows),
        per_cent=PERCENT,
        milli_usd_per_usd=MILLI_USD_PER_USD,
        plotly_js=get_plotlyjs(),
        made_at=made_at,
    )


def comparison_html(found: Comparison, *, made_at: datetime) -> str:
    """Return the page of a comparison; it needs no network either."""
    return page_template("comparison.html").render(
        found=found,
        plots=comparison_plots(found),
        wording=wording,
        plotly_js=get_plotlyjs(),
        made_at=made_at,
    )


def _worst(found: list[Lineage]) -> list[Lineage]:
    """Return the recommendations to be told: all, or those whose prediction was worst."""
    if len(found) <= MOST_TOLD:
        return found

    def error(lineage: Lineage) -> float:
        known = lineage.error_fraction
        return float("inf") if known is None else abs(known)

    return sorted(found, key=error, reverse=True)[:MOST_TOLD]


def _abstentions(trials: Iterable[Trial]) -> Iterable[Reason]:
    for trial in trials:
        for reason in trial.abstentions.values():
            yield Reason(trial, reason)
