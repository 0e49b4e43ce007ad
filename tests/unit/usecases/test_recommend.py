"""Asking for a recommendation again never takes one out of its life-cycle."""

from dataclasses import replace

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Phase
from isocost.domain.recommendation import RecommendationEvent, RecommendationState
from isocost.domain.run import RunState
from isocost.platforms.base import RunRequest
from isocost.recommend.engine import MAX_STORED_REJECTIONS, Engine
from isocost.space.candidates import Capacity, candidate_space
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import NOW, SMALL, a_project, a_run
from isocost.testing.synthetic_platform import SyntheticPlatform
from isocost.usecases.recommend import Wish, offer_of, question_of, recommend, without_failed

PARENT = a_run()


def a_store():
    store, platform = MemoryStore(), SyntheticPlatform()
    platform.execute(RunRequest(PARENT.run_id, "etl/a", SMALL))
    with store.transaction() as tx:
        tx.put_project(a_project())
        tx.put_run(PARENT)
        tx.put_profile(PARENT.run_id, platform.read_profile(PARENT.run_id))
    return store


def ask(store, offer=None):
    offered = offer or offer_of(SyntheticPlatform())
    return recommend(store, PARENT, offer=offered, policy=Engine(), now=NOW)


def put_after(store, issued, *events):
    for event in events:
        issued = issued.after(event)
    with store.transaction() as tx:
        tx.put_recommendation(issued)


def test_issued_recommendation_is_returned_again():
    store = a_store()
    assert ask(store) == ask(store)
    with store.transaction(read_only=True) as tx:
        assert len(tx.recommendations_of("p-1")) == 1


def test_finished_recommendation_stays_finished_and_a_new_one_is_numbered():
    store = a_store()
    first = ask(store)
    event = RecommendationEvent
    put_after(store, first, event.APPLY, event.OBSERVE, event.KEEP)
    second = ask(store)
    assert second.recommendation_id == "r-1-next-2"
    with store.transaction(read_only=True) as tx:
        states = [r.state for r in tx.recommendations_of("p-1")]
    assert states == [RecommendationState.KEPT, RecommendationState.ISSUED]


def test_cluster_that_failed_is_rejected_with_its_failures():
    failed = a_run(state=RunState.FAILED, spec=ClusterSpec("local-2c-2g", 1))
    space = without_failed(offer_of(SyntheticPlatform()), [failed, failed]).space
    assert failed.spec not in space.candidates
    assert str(space.rejections[0]).endswith(
        "this cluster failed before (2 against 0 failed runs)"
    )


def test_rejections_beyond_the_limit_are_counted_not_stored():
    offer = offer_of(SyntheticPlatform())
    space = candidate_space(offer.node_types, Capacity(2, 8.0), max_workers=96)
    evidence = ask(a_store(), replace(offer, space=space)).evidence
    assert len(evidence.rejections) == MAX_STORED_REJECTIONS
    assert evidence.further_rejection_count == len(space.rejections) - MAX_STORED_REJECTIONS


def test_runs_on_node_types_that_the_catalog_lacks_are_left_out():
    offer = offer_of(SyntheticPlatform())
    moved = a_run("r-0", spec=ClusterSpec("retired.large", 2))
    asked = question_of([(moved, None), (PARENT, None)], offer, Wish(None, Phase.LEARNING))
    assert [o.run_id for o in asked.history] == [PARENT.run_id]
