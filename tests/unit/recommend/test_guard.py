"""The guard keeps what kept its promise and rolls back what did not."""

from dataclasses import replace

import pytest

from isocost.domain.cost import CostBreakdown
from isocost.domain.project import Sla
from isocost.domain.recommendation import (
    AppliedRecommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.domain.run import RunState
from isocost.errors import InvalidInput
from isocost.recommend.guard import judge, last_good_spec
from isocost.testing.nouns import LARGE, SMALL, a_recommendation, a_run

SLA = Sla(max_runtime_s=40.0, miss_fraction=0.1)
PARENT = a_run("r-1", cost=CostBreakdown(vm_usd=0.001))


def applied(**evidence):
    recommendation = a_recommendation(state=RecommendationState.APPLIED)
    changed = replace(recommendation.evidence, **evidence)
    return AppliedRecommendation(replace(recommendation, evidence=changed), "r-2")


def test_run_in_time_is_kept():
    assert judge(applied(), a_run("r-2"), parent=PARENT, sla=SLA).event is RecommendationEvent.KEEP


def test_late_run_rolls_back_and_says_how_late():
    verdict = judge(applied(), a_run("r-2", runtime_s=55.0), parent=PARENT, sla=SLA)
    assert verdict.event is RecommendationEvent.ROLL_BACK
    assert "55.0 s of the 40.0 s" in verdict.reason


def test_failed_run_rolls_back():
    child = a_run("r-2", state=RunState.FAILED, runtime_s=None, failure="out of memory")
    verdict = judge(applied(), child, parent=PARENT, sla=SLA)
    assert (verdict.event, "out of memory" in verdict.reason) == (
        RecommendationEvent.ROLL_BACK,
        True,
    )


def test_miss_that_was_foretold_is_kept():
    verdict = judge(applied(meets_sla=False), a_run("r-2", runtime_s=55.0), parent=PARENT, sla=SLA)
    assert verdict.event is RecommendationEvent.KEEP


def test_another_run_cannot_judge():
    with pytest.raises(InvalidInput, match="r-3"):
        judge(applied(), a_run("r-3"), parent=PARENT, sla=SLA)


# The builder's cost interval ends at 0.0011 USD.
@pytest.mark.parametrize(
    ("child_usd", "parent_usd", "parent_s", "event"),
    [
        (0.0012, 0.001, 30.0, RecommendationEvent.ROLL_BACK),
        (0.0011, 0.001, 30.0, RecommendationEvent.KEEP),  # within the interval
        (0.0012, 0.002, 30.0, RecommendationEvent.KEEP),  # still cheaper than before
        (0.0012, 0.001, 50.0, RecommendationEvent.KEEP),  # going back would be late again
    ],
)
def test_cost_above_interval_and_parent_rolls_back(child_usd, parent_usd, parent_s, event):
    child = a_run("r-2", cost=CostBreakdown(vm_usd=child_usd))
    parent = a_run("r-1", cost=CostBreakdown(vm_usd=parent_usd), runtime_s=parent_s)
    verdict = judge(applied(), child, parent=parent, sla=SLA)
    assert verdict.event is event
    assert ("0.00120 USD" in verdict.reason) == (event is RecommendationEvent.ROLL_BACK)


def test_last_good_spec_is_of_the_newest_run_in_time():
    runs = [a_run(spec=LARGE), a_run("r-2", runtime_s=50.0), a_run("r-3", runtime_s=None)]
    assert last_good_spec(runs, PARENT, SLA) == LARGE


def test_without_a_run_in_time_the_parents_spec_is_the_last_good_one():
    assert last_good_spec([a_run(spec=LARGE, runtime_s=50.0)], PARENT, SLA) == SMALL
