"""What an experiment's HTML page tells of each recommendation."""

import re
from dataclasses import replace

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import TrialTruth
from isocost.domain.recommendation import RecommendationEvent
from isocost.jobbank.lineage import ExperimentRecord, TrialRecord
from isocost.jobbank.plots.experiment import experiment_plots
from isocost.jobbank.report import report_html
from isocost.jobbank.rows import rows_of
from isocost.testing.experiments import an_experiment_record
from isocost.testing.nouns import (
    LARGE,
    NOW,
    a_project,
    a_recommendation,
    a_run,
    a_trial,
    an_experiment,
)


def a_record(*explanation):
    """Return a record of one trial, whose recommendation was tried and is explained so."""
    drafted = a_recommendation()
    issued = replace(drafted, evidence=replace(drafted.evidence, explanation=explanation)).after(
        RecommendationEvent.ISSUE
    )
    child = a_run("r-2", ordinal=1, spec=LARGE, recommendation_id=issued.recommendation_id)
    trial = TrialRecord(a_trial(), a_project(), [a_run(), child], [issued], {})
    return ExperimentRecord(an_experiment(), [trial], LOCAL_NODE_TYPES)


def test_reason_and_each_sentence_of_the_explanation_are_on_the_page():
    page = report_html(a_record("Learned from one run.", "Not <b>: late."), made_at=NOW)
    assert "the cheapest of 2 candidates" in page
    assert "<li>Learned from one run.</li><li>Not &lt;b&gt;: late.</li>" in page


# Plots of costs and deadlines tell policies apart by colour; all others are of predictions.
OF_EVERY_POLICY = ("cost-", "deadlines-")


def of_predictions(*policies):
    """Return the plots of predictions of an experiment under these policies."""
    record = an_experiment_record(policies=policies)
    plots = experiment_plots(record, rows_of(record))
    return [plot for plot in plots if not plot.plot_id.startswith(OF_EVERY_POLICY)]


def test_prediction_plots_are_of_the_engine_only_and_say_so():
    agreement, calibration, *others = of_predictions("bayes", "random", "engine")
    assert agreement.caption.startswith("From here on, predictions of the engine only; the table")
    assert " of 144 " in agreement.caption  # 12 × 3 trials of 4 predictions
    assert "(144) of the runtimes" in calibration.caption
    assert len(others) >= 5
    assert {plot.title.rpartition(" ")[2] for plot in (agreement, *others)} == {"(engine)"}


def test_without_the_engine_the_first_policy_that_predicts_is_told_of():
    assert "(bayes)" in of_predictions("random", "bayes")[0].title


def test_policy_that_is_alone_is_not_named():
    (plot, *_) = of_predictions("engine")
    assert plot.title == "Predicted and actual runtime"


def test_recommendations_of_rivals_are_in_no_table_of_the_engine():
    page = report_html(an_experiment_record(policies=("engine", "bayes")), made_at=NOW)
    assert "The 60 recommendations of 144 that were predicted worst (engine)</h2>" in page
    assert "Recommendations of the engine only; the table at the top has a row for each" in page


def test_table_shows_what_the_deadline_is_held_against():
    record = a_record()
    (trial,) = record.trials
    truth = TrialTruth(None, None, {}, duration_s={"r-2": 71.4})
    late = replace(trial, trial=replace(trial.trial, truth=truth))
    page = report_html(replace(record, trials=[late]), made_at=NOW)
    assert '<th class="n">With start-up (s)</th>' in page
    assert '<td class="n">60.0</td>' in page  # the deadline, which its 30 s would have kept
    assert '<td class="n">71.4</td>' in page
    assert "the deadline is held against the time with start-up" in page


def test_table_has_no_time_with_start_up_where_none_is_known():
    assert "start-up" not in report_html(a_record(), made_at=NOW).partition("Every recomm")[2]


def test_legend_counts_the_projects_that_were_never_in_time():
    record = an_experiment_record(policies=("engine", "static"))
    page = report_html(replace(record, trials=[_late(t) for t in record.trials]), made_at=NOW)
    assert "It leaves out projects that tried no cluster in time: static 36 of 36;" in page
    assert "It leaves out" not in report_html(record, made_at=NOW)


def _late(record):
    """Return a trial's record, with none of its clusters in time if it is of the static policy."""
    if record.trial.policy != "static":
        return record
    truth = replace(record.trial.truth, expected_usd={})
    return replace(record, trial=replace(record.trial, truth=truth))


def test_cluster_that_scales_by_itself_is_named_as_in_the_tables_and_by_what_ran():
    record = a_record()
    (trial,) = record.trials
    first = replace(
        trial.runs[0],
        spec=ClusterSpec(LARGE.node_type_id, 5),
        asked_spec=ClusterSpec(LARGE.node_type_id, 7),
    )
    scaled = replace(record, trials=[replace(trial, runs=[first, *trial.runs[1:]])])
    assert rows_of(scaled).predictions[0].parent_worker_count == 7
    assert f"<td>7 × {LARGE.node_type_id} (ran on 5), " in report_html(scaled, made_at=NOW)


def test_closed_reasons_take_no_width_from_the_numbers():
    # 44 letters of them pushed the SLA out of sight of a window of 1200 pixels.
    page = report_html(a_record(), made_at=NOW)
    closed = re.search(r"\n *details \{([^}]*)\}", page)
    assert closed is not None
    assert "width" not in closed[1]
