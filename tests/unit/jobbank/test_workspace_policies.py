"""Policies of trials on workspaces."""

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import ColdShape, ColdStart
from isocost.domain.recommendation import Abstention
from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.workspace_policies import POLICIES, begun_on, check_policies, policy_of
from isocost.recommend.policy import Question
from isocost.space.candidates import CandidateSpace

FIXED = ColdStart(ClusterSpec("m5.2xlarge", 8), shape=ColdShape(is_spot=True))
NOTHING = Question(history=(), space=CandidateSpace((), ()), node_types=())


def test_databricks_scales_the_cold_start_from_one_worker_on():
    begun = begun_on(FIXED, "autoscaling")
    assert (begun.spec, begun.shape) == (FIXED.spec, ColdShape(1, is_spot=True))


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "autoscaling"])
def test_others_begin_on_the_cold_start_as_it_is(policy):
    assert begun_on(FIXED, policy) == FIXED


@pytest.mark.parametrize("policy", ["static", "autoscaling"])
def test_who_never_moves_recommends_nothing(policy):
    assert isinstance(policy_of(policy, 1).advise(NOTHING), Abstention)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_can_be_had(policy):
    check_policies([policy])
    assert policy_of(policy, 1)


def test_unknown_policy_is_named():
    with pytest.raises(UnknownName, match=r"'oracle'\. Known: engine, .*autoscaling"):
        check_policies(["engine", "oracle"])


@pytest.mark.parametrize("names", [[], ["engine", "engine"]])
def test_policies_are_compared_once_each(names):
    with pytest.raises(InvalidInput, match="each policy once"):
        check_policies(names)
