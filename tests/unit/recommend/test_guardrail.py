"""The guardrail rolls back what went wrong, unless the fault is the project's or the cloud's."""

from dataclasses import replace

import pytest

from isocost.domain.cluster import NodeType
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.domain.project import Sla
from isocost.domain.recommendation import RecommendationEvent
from isocost.domain.run import RunState
from isocost.recommend.guardrail import Action, Stakes, allowed_s, rule
from isocost.testing.nouns import LARGE, SMALL, a_prediction, a_run

SLA = Sla(max_runtime_s=40.0, miss_fraction=0.1)
TYPES = (NodeType("local-1c-2g", 1, 2.0, 0.1), NodeType("local-2c-2g", 2, 2.0, 0.2))
DATA, CODE, RUNTIME = (
    CauseOfDeviation.DATA,
    CauseOfDeviation.CODE,
    CauseOfDeviation.RUNTIME_VERSION,
)
SPOT, PLATFORM, MODEL = CauseOfDeviation.SPOT, CauseOfDeviation.PLATFORM, CauseOfDeviation.MODEL


def stakes(**changes):
    return replace(Stakes(SLA, TYPES, prediction=a_prediction(), good=SMALL), **changes)


def because_of(cause):
    share = Share(cause, 0.8, 0.5, "as the log says")
    return Deviation(30.0, 55.0, 5.0, True, (share,))


def late(cause=None, **changes):
    deviation = because_of(cause) if cause else None
    return a_run(runtime_s=55.0, deviation=deviation, spec=LARGE, **changes)


def dear(**changes):
    return a_run(cost=CostBreakdown(vm_usd=0.0012), spec=LARGE, **changes)


def test_run_in_time_is_let_be():
    assert rule(a_run(), stakes()).action is Action.NOTHING


def test_failed_run_rolls_back_with_its_reason():
    failed = a_run(state=RunState.FAILED, runtime_s=None, failure="out of memory", spec=LARGE)
    ruling = rule(failed, stakes())
    assert (ruling.action, ruling.reason) == (Action.ROLL_BACK, "the run failed: out of memory")


def test_cluster_that_came_smaller_than_asked_for_is_not_gone_back_to():
    run = late(asked_spec=SMALL)
    assert rule(run, stakes(good=SMALL)).action is Action.NOTHING


def test_late_run_rolls_back_and_says_how_late():
    ruling = rule(late(), stakes())
    assert ruling.action is Action.ROLL_BACK
    assert "55.0 s of the 40.0 s" in ruling.reason


def test_lateness_that_was_foretold_is_let_be():
    assert rule(late(), stakes(is_late_foretold=True)).action is Action.NOTHING


def test_run_is_held_against_its_own_share_of_the_deadline():
    assert allowed_s(a_run(allowed_s=60.0), SLA) == 60.0
    assert rule(late(allowed_s=60.0), stakes()).action is Action.NOTHING


def test_without_a_deadline_no_run_is_late():
    assert rule(late(), stakes(sla=None)).action is Action.NOTHING


# The builder's cost interval ends at 0.0011 USD.
def test_cost_above_its_interval_rolls_back_the_second_time_in_a_row():
    first = rule(dear(), stakes())
    second = rule(dear(), stakes(was_dear=first.is_dear))
    assert (first.action, second.action) == (Action.NOTHING, Action.ROLL_BACK)
    assert "cost 0.00120 USD, above the 0.00110 USD" in second.reason


def test_dear_run_that_saves_against_the_good_cluster_is_let_be():
    assert not rule(dear(), stakes(was_dear=True, good_usd=0.002)).is_dear


@pytest.mark.parametrize("cause", [DATA, CODE, RUNTIME])
@pytest.mark.parametrize("good", [SMALL, LARGE])
def test_change_of_the_project_asks_for_another_cluster_than_the_old_ones(cause, good):
    ruling = rule(late(cause), stakes(good=good))
    assert ruling.action is Action.CHANGED
    assert "80 % of the deviation" in ruling.reason
    assert ruling.verdict.event is RecommendationEvent.KEEP


@pytest.mark.parametrize("cause", [DATA, CODE, RUNTIME])
def test_run_that_fails_in_a_changed_project_goes_back_to_a_larger_cluster(cause):
    failed = a_run(
        state=RunState.FAILED, runtime_s=None, failure="memory", deviation=because_of(cause)
    )
    assert rule(failed, stakes(good=LARGE)).action is Action.ROLL_BACK
    assert rule(replace(failed, spec=LARGE), stakes()).action is Action.CHANGED


def test_a_larger_cluster_is_no_remedy_for_cost():
    run = replace(dear(deviation=because_of(DATA)), spec=SMALL)
    assert rule(run, stakes(good=LARGE, was_dear=True)).action is Action.CHANGED


def test_more_input_may_cost_more():
    assert rule(dear(), stakes(was_dear=True)).action is Action.ROLL_BACK
    assert not rule(dear(), stakes(was_dear=True, more_cost=1.5)).is_dear


@pytest.mark.parametrize("cause", [SPOT, PLATFORM])
def test_trouble_of_the_cloud_never_rolls_back_what_did_well(cause):
    assert rule(late(cause), stakes(was_kept=True)).action is Action.NOTHING
    assert rule(late(cause), stakes()).action is Action.ROLL_BACK


def test_wrong_prediction_rolls_back():
    ruling = rule(late(MODEL), stakes(was_kept=True))
    assert ruling.action is Action.ROLL_BACK
    assert ruling.verdict.event is RecommendationEvent.ROLL_BACK


@pytest.mark.parametrize("good", [None, LARGE])
def test_without_another_good_cluster_there_is_nowhere_to_go_back_to(good):
    ruling = rule(late(), stakes(good=good))
    assert ruling.action is Action.NOTHING
    assert "no other cluster" in ruling.reason
