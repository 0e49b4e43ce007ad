"""The choice: cheapest in time, surest to be fast where none is, and the sentence that says so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Sla
from isocost.domain.recommendation import ConsideredCandidate, Interval
from isocost.errors import InvalidInput
from isocost.recommend.choose import choose
from isocost.testing.nouns import a_prediction

SLA = Sla(max_runtime_s=60.0, miss_fraction=0.1)


def considered(workers, cost_usd, probability, runtime_s=30.0):
    prediction = replace(a_prediction(runtime_s), cost_usd=cost_usd, sla_probability=probability)
    return ConsideredCandidate(ClusterSpec("n", workers), prediction)


def test_cheapest_of_those_in_time_wins():
    cheap_but_late = considered(1, 1.0, 0.5)
    choice = choose([considered(3, 3.0, 0.99), considered(2, 2.0, 0.9), cheap_but_late], SLA)
    assert choice.candidate.spec.worker_count == 2
    assert choice.meets_sla


def test_reason_names_cluster_deadline_and_certainty():
    reason = choose([considered(2, 2.0, 0.97)], SLA).reason
    assert "2 × n" in reason
    assert "60.0 s" in reason
    assert "97 % sure" in reason


def test_surest_to_be_fast_is_taken_where_none_is_in_time_and_it_says_so():
    slow, fast = considered(1, 1.0, 0.2, runtime_s=90.0), considered(4, 4.0, 0.4, runtime_s=65.0)
    choice = choose([slow, fast], SLA)
    assert (choice.candidate, choice.meets_sla) == (fast, False)
    assert "No candidate" in choice.reason


def test_surest_to_be_fast_has_the_lowest_upper_end_not_the_lowest_median():
    gamble, sure = considered(4, 4.0, 0.4, runtime_s=65.0), considered(2, 2.0, 0.3, runtime_s=68.0)
    wide = replace(gamble.prediction, runtime_80_s=Interval(30.0, 120.0))
    choice = choose([replace(gamble, prediction=wide), sure], SLA)
    assert choice.candidate == sure
    assert "surest to be fast" in choice.reason
    assert "fastest" not in choice.reason


def test_equal_costs_go_to_the_smaller_cluster():
    assert choose([considered(2, 1.0, 1.0), considered(1, 1.0, 1.0)], SLA).candidate.spec == (
        ClusterSpec("n", 1)
    )


def test_no_candidate_is_an_error_with_a_remedy():
    with pytest.raises(InvalidInput, match="Widen the limits"):
        choose([], SLA)


candidates = st.lists(
    st.builds(
        considered,
        st.integers(1, 50),
        st.floats(0.01, 100.0),
        st.floats(0.0, 1.0),
        st.floats(1.0, 1000.0),
    ),
    min_size=1,
)


@given(candidates)
def test_nothing_in_time_is_cheaper_than_the_choice(given_candidates):
    choice = choose(given_candidates, SLA)
    in_time = [c for c in given_candidates if c.prediction.sla_probability >= 0.9]
    assert choice.meets_sla == bool(in_time)
    if in_time:
        chosen_usd = choice.candidate.prediction.cost_usd
        assert chosen_usd == min(c.prediction.cost_usd for c in in_time)
