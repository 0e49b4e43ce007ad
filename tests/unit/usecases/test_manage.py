"""What a user decides about a project, and what no longer holds then."""

import pytest

from isocost.domain.limits import Limits
from isocost.domain.project import Sla
from isocost.domain.recommendation import RecommendationState
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import a_project, a_recommendation, a_run
from isocost.usecases.manage import reset, set_auto_apply, set_limits, set_sla


@pytest.fixture
def store():
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(a_project())
        tx.put_run(a_run())
        tx.put_recommendation(a_recommendation(state=RecommendationState.ISSUED))
        tx.put_recommendation(a_recommendation("r-0-next", state=RecommendationState.KEPT))
    return store


def states(store):
    with store.transaction(read_only=True) as tx:
        return {r.recommendation_id: r.state.value for r in tx.recommendations_of("p-1")}


@pytest.mark.parametrize(
    "decide",
    [
        lambda store: set_sla(store, "p-1", Sla(10.0, 0.05)),
        lambda store: set_limits(store, "p-1", Limits(families=("m5",))),
        lambda store: reset(store, "p-1"),
    ],
)
def test_what_was_recommended_under_other_terms_is_not_applied_any_more(store, decide):
    decide(store)
    assert states(store) == {"r-1-next": "expired", "r-0-next": "kept"}


def test_auto_apply_takes_what_was_recommended(store):
    set_auto_apply(store, "p-1", is_on=True)
    assert states(store)["r-1-next"] == "issued"
