"""What an experiment's HTML page tells of each recommendation."""

from dataclasses import replace

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.recommendation import RecommendationEvent
from isocost.jobbank.lineage import ExperimentRecord, TrialRecord
from isocost.jobbank.report import report_html
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
