"""An experiment's record in; every plot that its report and its page show, in order, out.

One page is of one experiment, so of one platform: measured and simulated times never share one.
"""

from dataclasses import replace

from isocost.jobbank.analysis.selection import policies_of, policy_told, with_predictions_of
from isocost.jobbank.figures import Plot
from isocost.jobbank.lineage import (
    ExperimentRecord,
    cross_predictions,
    lineages,
    replay_errors,
)
from isocost.jobbank.plots import projects, wording
from isocost.jobbank.plots.agreement import agreement_plots
from isocost.jobbank.plots.calibration import calibration_plots
from isocost.jobbank.plots.costs import cost_plots
from isocost.jobbank.plots.deadlines import deadline_plots
from isocost.jobbank.plots.errors import error_plots
from isocost.jobbank.rows import Rows
from isocost.model.runtime import MAX_REPLAY_ERROR_FRACTION
from isocost.units import PERCENT


def experiment_plots(record: ExperimentRecord, rows: Rows) -> list[Plot]:
    """Return the plots; none of a question that the rows cannot answer.

    Args:
        record: with profiles, where it ran on real Spark.
        rows: of the record.
    """
    is_real = not record.experiment.plan.is_simulated
    costs, deadlines = cost_plots(rows), deadline_plots(rows)
    return [
        *costs,
        *deadlines,
        *(_of_projects(record) if is_real else ()),
        *_of_predictions(rows, is_real=is_real),
        *(_of_the_model(record) if is_real else ()),
    ]


def _of_predictions(rows: Rows, *, is_real: bool) -> list[Plot]:
    """Return the plots of one policy's predictions; where there are more, each says whose."""
    policy = policy_told(rows)
    told = with_predictions_of(rows, policy)
    agreement = [] if is_real else agreement_plots(told)
    plots = [*agreement, *calibration_plots(told), *error_plots(told)]
    if policy is None or len(policies_of(rows)) == 1:
        return plots
    only = wording.only_of(policy, "From here on, predictions")
    named = [replace(plot, title=f"{plot.title} ({policy})") for plot in plots]
    return [replace(p, caption=f"{only} {p.caption}") if p is named[0] else p for p in named]


def _of_projects(record: ExperimentRecord) -> list[Plot]:
    found = lineages(record)
    if not found:
        return []
    return [
        Plot(
            "project-cost",
            "Cost before and after",
            "List cost of the cold start (the baseline) and of the newest recommended run. Where "
            "the deadline forced a larger cluster, the cost rises: that is the price of the SLA.",
            projects.cost_before_and_after(found),
        ),
        Plot(
            "project-agreement",
            "Predicted and actual runtime",
            "Each bar is the 80 % interval that was given before the run; four of five should "
            "touch the dotted line.",
            projects.predicted_against_actual(found),
        ),
        Plot(
            "project-size",
            "Prediction error against the change in cores",
            "One point per recommendation. Points above the line were predicted too slow, points "
            "below it too fast; the further from 1×, the more the model had to extrapolate.",
            projects.error_against_size_change(found, record.node_types),
        ),
    ]


def _of_the_model(record: ExperimentRecord) -> list[Plot]:
    crossed, replayed = cross_predictions(record), replay_errors(record)
    plots = []
    if crossed:
        plots.append(
            Plot(
                "other-cores",
                "The other core count",
                "Cold starts of one application predicted from each other: other cores, same "
                "memory. Nobody chose these clusters, so no luck of the choice is in the errors.",
                projects.other_core_count(crossed),
            )
        )
    if replayed:
        plots.append(
            Plot(
                "replay",
                "Replay of the cluster that ran",
                "How far the replay is off where there is nothing to predict. Above "
                f"{MAX_REPLAY_ERROR_FRACTION * PERCENT:.0f} % that log's replay is not used.",
                projects.replay_error_bars(replayed),
            )
        )
    return plots
