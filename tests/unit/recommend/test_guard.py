"""The guard keeps what kept its promise and rolls back what did not."""

from dataclasses import replace

import pytest

from isocost.domain.project import Sla
from isocost.domain.recommendation import (
    AppliedRecommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.domain.run import RunState
from isocost.errors import InvalidInput
from isocost.recommend.guard import judge
from isocost.testing.nouns import a_recommendation, a_run

SLA = Sla(max_runtime_s=40.0, miss_fraction=0.1)


def applied(**evidence):
    recommendation = a_recommendation(state=RecommendationState.APPLIED)
    changed = replace(recommendation.evidence, **evidence)
    return AppliedRecommendation(replace(recommendation, evidence=changed), "r-2")


def test_run_in_time_is_kept():
    assert judge(applied(), a_run("r-2"), SLA).event is RecommendationEvent.KEEP


def test_late_run_rolls_back_and_says_how_late():
    verdict = judge(applied(), a_run("r-2", runtime_s=55.0), SLA)
    assert verdict.event is RecommendationEvent.ROLL_BACK
    assert "55.0 s of the 40.0 s" in verdict.reason


def test_failed_run_rolls_back():
    child = a_run("r-2", state=RunState.FAILED, runtime_s=None, failure="out of memory")
    verdict = judge(applied(), child, SLA)
    assert (verdict.event, "out of memory" in verdict.reason) == (
        RecommendationEvent.ROLL_BACK,
        True,
    )


def test_miss_that_was_foretold_is_kept():
    verdict = judge(applied(meets_sla=False), a_run("r-2", runtime_s=55.0), SLA)
    assert verdict.event is RecommendationEvent.KEEP


def test_another_run_cannot_judge():
    with pytest.raises(InvalidInput, match="r-3"):
        judge(applied(), a_run("r-3"), SLA)
