"""What somebody else does to a definition counts, and leaves nothing waiting for ever."""

from dataclasses import replace

import pytest

from isocost.domain.project import ProjectCluster, Target
from isocost.domain.recommendation import RecommendationState
from isocost.platforms.host import DefinedCluster, Definition
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import LARGE, SMALL, a_project, a_recommendation, a_run
from isocost.usecases.apply import notice_edits, own_recommendations
from isocost.usecases.conclude import unsettled_of

APPLIED = a_recommendation(state=RecommendationState.APPLIED)
IN_FORCE = ProjectCluster("main", LARGE, recommendation_id=APPLIED.recommendation_id)


@pytest.fixture
def tx():
    with MemoryStore().transaction() as tx:
        tx.put_project(a_project(clusters={"main": IN_FORCE}))
        tx.put_run(a_run())
        tx.put_recommendation(APPLIED)
        yield tx


def noticed(tx, **specs):
    clusters = {key: DefinedCluster(key, spec) for key, spec in specs.items()}
    return notice_edits(tx, tx.project("p-1"), Definition("17", "nightly", {}, clusters))


def verdict(tx):
    stored = tx.recommendation(APPLIED.recommendation_id)
    return stored.state, stored.verdict


def test_definition_as_it_was_left_changes_nothing(tx):
    assert noticed(tx, main=LARGE) == tx.project("p-1")
    assert verdict(tx)[0] is RecommendationState.APPLIED


def test_spec_of_somebody_else_ends_what_was_applied(tx):
    assert noticed(tx, main=SMALL).clusters["main"] == ProjectCluster("main", SMALL)
    assert verdict(tx) == (RecommendationState.EXPIRED, "somebody else changed the cluster")


def test_no_run_is_waited_for_of_a_cluster_that_is_gone(tx):
    project = noticed(tx, etl=SMALL)
    assert unsettled_of(tx, project) == []
    assert verdict(tx) == (RecommendationState.EXPIRED, "somebody else removed the cluster")
    assert project.clusters["etl"].spec == SMALL


def test_nothing_is_gone_back_to_on_a_cluster_that_is_gone(tx):
    going = replace(IN_FORCE, recommendation_id=None, going_back_to=Target(SMALL))
    tx.put_project(a_project(clusters={"main": going}))
    assert noticed(tx, etl=SMALL).clusters["main"].going_back_to is None


def test_tag_of_another_projects_recommendation_counts_for_nothing(tx):
    tx.put_project(a_project("p-2"))
    copied = DefinedCluster("main", LARGE, recommendation_id=APPLIED.recommendation_id)
    definition = Definition("18", "copy of nightly", {}, {"main": copied})
    project = notice_edits(tx, tx.project("p-2"), definition)
    assert project.clusters["main"] == ProjectCluster("main", LARGE)
    assert verdict(tx)[0] is RecommendationState.APPLIED


@pytest.mark.parametrize("tag", ["r-1-next", "of another installation", None])
def test_only_the_own_recommendation_of_a_cluster_is_its_tag(tx, tag):
    own = own_recommendations(tx, "p-1", {"main": tag, "etl": tag})
    assert own == ({"main": tag} if tag == APPLIED.recommendation_id else {})


def test_definition_that_does_not_qualify_is_told_of_for_as_long_as_it_does_not(tx):
    definition = Definition("17", "nightly", {}, {"main": DefinedCluster("main", LARGE)})
    streaming = replace(definition, obstacles=("It is continuous.",))
    told = notice_edits(tx, tx.project("p-1"), streaming).guarding.notice
    assert "no longer qualifies: It is continuous." in told
    assert notice_edits(tx, tx.project("p-1"), definition).guarding.notice is None
    assert tx.project("p-1").guarding.notice is None
