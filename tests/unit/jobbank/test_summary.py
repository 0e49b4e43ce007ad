"""What is published about an experiment counts each project once and hides no failure."""

from dataclasses import replace

import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec
from isocost.domain.cost import CostBreakdown
from isocost.domain.recommendation import Interval, RecommendationState
from isocost.domain.run import RunState
from isocost.jobbank.figures import COLOURS
from isocost.jobbank.lineage import CrossPrediction, ExperimentRecord, TrialRecord, lineages
from isocost.jobbank.plots.projects import other_core_count
from isocost.jobbank.report import report_html
from isocost.jobbank.summary import summarize
from isocost.testing.nouns import (
    NOW,
    a_profile,
    a_project,
    a_recommendation,
    a_run,
    a_trial,
    an_experiment,
)


def cost(usd):
    return CostBreakdown(vm_usd=usd)


def a_record(*child_usd, baseline_usd=1.0, **last_child):
    """Return one project: a cold start, and a recommended run for each cost."""
    runs = [a_run("r-0", cost=cost(baseline_usd))]
    recommendations = []
    for n, usd in enumerate(child_usd, start=1):
        applied = a_recommendation(
            f"r-{n - 1}-next",
            parent_run_id=f"r-{n - 1}",
            state=RecommendationState.KEPT,
            verdict="the run took 30.0 s",
        )
        recommendations.append(applied)
        child = a_run(f"r-{n}", ordinal=n, cost=cost(usd))
        runs.append(replace(child, recommendation_id=applied.recommendation_id))
    runs[-1] = replace(runs[-1], **last_child)
    profiles = {run.run_id: a_profile() for run in runs if run.state is RunState.INGESTED}
    trial = TrialRecord(a_trial(), a_project(), runs, recommendations, profiles)
    return ExperimentRecord(an_experiment(), [trial], LOCAL_NODE_TYPES)


def test_only_the_newest_run_of_a_project_counts_as_its_saving():
    savings = summarize(a_record(0.9, 0.4)).savings
    assert savings.median_saving_fraction == pytest.approx(0.6)
    assert savings.idle_median_saving_fraction == pytest.approx(0.6)


def test_failed_run_is_paid_on_top_and_never_a_saving():
    record = a_record(0.1, runtime_s=None, state=RunState.FAILED, failure="out of memory")
    savings = summarize(record).savings
    assert savings.median_saving_fraction == pytest.approx(-0.1)
    assert savings.dearer_projects == 1


def test_free_baseline_has_no_saving():
    assert lineages(a_record(0.1, baseline_usd=0.0))[0].saving_fraction is None


def test_verdict_is_shown_in_the_report():
    assert "Then kept: the run took 30.0 s." in report_html(a_record(0.5), made_at=NOW)


def test_every_direction_is_drawn_even_beyond_the_palette():
    specs = [ClusterSpec("n", count) for count in range(1, len(COLOURS) + 3)]
    crossed = [
        CrossPrediction("a", spec, ClusterSpec("n", 99), 1.0, Interval(0.5, 2.0), 1.0)
        for spec in specs
    ]
    assert len(other_core_count(crossed).data) == len(specs) + 1  # the diagonal
