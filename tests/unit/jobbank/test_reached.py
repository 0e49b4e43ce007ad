"""Figures of an experiment that is not over say so, and all doors count projects alike."""

from dataclasses import replace

import pytest

from isocost.domain.experiment import ExperimentState, TrialState
from isocost.jobbank.analysis.headline import headlines
from isocost.jobbank.lineage import ExperimentRecord
from isocost.jobbank.reached import reached
from isocost.jobbank.report import report_html
from isocost.jobbank.rows import rows_of
from isocost.jobbank.summary import summarize
from isocost.jobbank.workspace_figures import workspace_figures
from isocost.testing.experiments import Scale, an_experiment_record
from isocost.testing.nouns import NOW, an_experiment

SMALL = Scale(workload_count=3, cold_start_count=2, run_count=3)


def stopped(over, *, state=ExperimentState.OPEN, platform="workspace"):
    """Return a record of six trials, of which only so many were carried."""
    whole = an_experiment_record(scale=SMALL, platform=platform)
    left = TrialState.CANCELLED if state is ExperimentState.CANCELLED else TrialState.QUEUED
    trials = [
        each
        if place < over
        else replace(
            each,
            trial=replace(each.trial, state=left, truth=None),
            runs=[],
            recommendations=[],
            profiles={},
        )
        for place, each in enumerate(whole.trials)
    ]
    return ExperimentRecord(replace(whole.experiment, state=state), trials, whole.node_types)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ExperimentState.OPEN, "4 of 6 trials are over: figures are of those only."),
        (ExperimentState.OPEN, "isocost bank run … --name nightly"),
        (ExperimentState.PAUSED, "Paused with 4 of 6 trials over"),
        (ExperimentState.PAUSED, "isocost bank resume nightly"),
        (ExperimentState.CANCELLED, "Cancelled with 4 of 6 trials over"),
    ],
)
def test_note_says_how_far_it_came_and_how_it_goes_on(state, said):
    note = stopped(4, state=state).reached.note
    assert said in note
    assert said in report_html(stopped(4, state=state), made_at=NOW)


def test_cancelled_experiment_is_told_no_way_to_go_on():
    assert "Go on" not in stopped(4, state=ExperimentState.CANCELLED).reached.note


def test_finished_experiment_has_no_note_even_if_cancelled_later():
    assert stopped(6).reached.note is None
    assert stopped(6, state=ExperimentState.CANCELLED).reached.note is None


def test_trial_set_aside_came_to_an_end_of_its_own():
    counts = {TrialState.SUCCEEDED: 1, TrialState.SET_ASIDE: 2, TrialState.CANCELLED: 3}
    found = reached(an_experiment(), counts)
    assert (found.over, found.total) == (3, 6)


@pytest.mark.parametrize("over", [0, 4, 6])
def test_text_page_and_json_count_projects_alike(over):
    record = stopped(over)
    (top,), figures = headlines(rows_of(record)), workspace_figures(record.trials)
    assert top.projects == figures["engine"].projects == summarize(record).projects == over


def test_projects_not_begun_had_no_failures_to_average():
    record = stopped(2, platform="spark_local")
    assert summarize(record).failures_per_project.se == 0.0
    assert "2 of 6 trials are over: figures are of the runs that are over" in record.reached.note
