"""Each move of the search, with figures small enough to work out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.recommend.search import (
    NOTHING_UNTRIED,
    RULES,
    Move,
    SearchRules,
    Step,
    Tried,
    Untried,
    next_step,
    rules_for,
)

HAND = SearchRules(
    trial_price=0.25, extra_cost_share=0.0, safe_miss=0.2, miss_price=3.0, most_miss=0.5
)


def untried(*candidates):
    """Return candidates of (expected USD, gain in USD, probability of a miss[, seconds])."""
    full = [(*candidate, 1.0)[:4] for candidate in candidates]
    return Untried(*(np.array(column, float) for column in zip(*full, strict=True)))


NONE_LEFT = NOTHING_UNTRIED


def tried(*clusters):
    """Return clusters of (USD, seconds, whether in time)."""
    usd, runtime_s, is_in_time = zip(*clusters, strict=True)
    return Tried(np.array(usd, float), np.array(runtime_s, float), np.array(is_in_time))


ONE = tried((2.0, 100.0, True))


def step(candidates, seen=ONE, horizon_runs=25, **changes):
    return next_step(candidates, seen, horizon_runs=horizon_runs, rules=HAND, **changes)


def test_safe_trial_that_pays_is_explored_at_its_worth():
    # 25 × 0.04 × 0.9 ÷ 2 − 0.25
    found = step(untried((1.9, 0.04, 0.1), (1.9, 0.03, 0.0)))
    assert (found.move, found.place) == (Move.EXPLORE, 0)
    assert found.worth == pytest.approx(0.2)


def test_trial_that_does_not_pay_is_left():
    # 25 × 0.02 ÷ 2 = 0.25: just the price of a trial
    assert step(untried((1.9, 0.02, 0.0))) == Step(Move.EXPLOIT, 0)


def test_what_a_trial_costs_extra_counts_against_it():
    # 25 × 0.05 ÷ 2 − 0.25 − ½ × (3 − 2) ÷ 2
    found = next_step(
        untried((3.0, 0.05, 0.0)), ONE, horizon_runs=25, rules=replace(HAND, extra_cost_share=0.5)
    )
    assert found.worth == pytest.approx(0.125)


def test_endless_search_goes_by_likely_gain_where_nothing_pays():
    found = step(untried((1.9, 0.001, 0.6), (1.9, 0.001, 0.1)), is_endless=True)
    assert (found.move, found.place) == (Move.EXPLORE, 1)


def test_longer_horizon_makes_the_same_trial_pay():
    candidates = untried((1.9, 0.015, 0.0))
    assert step(candidates).move is Move.EXPLOIT
    assert step(candidates, horizon_runs=50).move is Move.EXPLORE


def test_cheapest_in_time_is_exploited_not_the_cheapest():
    seen = tried((1.0, 300.0, False), (3.0, 50.0, True), (2.0, 100.0, True))
    assert step(NONE_LEFT, seen) == Step(Move.EXPLOIT, 2)


def test_risk_within_the_safe_set_is_free():
    found = step(untried((1.0, 0.10, 0.2), (1.0, 0.07, 0.0)))
    assert found.place == 0  # 0.75 against 0.625, though it may miss


def test_risk_beyond_it_has_a_price():
    # 25 × 0.4 × 0.7 ÷ 2 − 0.25 − 3 × 0.3 = 2.35
    found = step(untried((1.0, 0.4, 0.3), (1.0, 0.001, 0.0)))
    assert (found.move, found.place) == (Move.EXPLORE, 0)
    assert found.worth == pytest.approx(2.35)
    # 25 × 0.12 × 0.7 ÷ 2 − 0.25 − 0.9 < 0
    assert step(untried((1.0, 0.12, 0.3))).move is Move.EXPLOIT


def test_risk_above_the_cap_is_never_taken():
    assert step(untried((0.1, 1.9, 0.51))).move is Move.EXPLOIT


def test_safe_trial_goes_before_a_better_risky_one():
    found = step(untried((1.0, 1.5, 0.4), (1.0, 0.05, 0.1)))
    assert found.place == 1


LATE = tried((2.0, 300.0, False), (3.0, 200.0, False))


def test_no_run_in_time_yet_takes_the_cheapest_safe_candidate():
    found = step(untried((5.0, 0, 0.1), (4.0, 0, 0.2), (1.0, 0, 0.6)), LATE)
    assert found == Step(Move.RECOVER, 1)


def test_without_a_safe_one_the_best_chance_per_square_root_of_cost():
    # 0.4 ÷ 2 = 0.2 against 0.7 ÷ 3 = 0.23
    assert step(untried((4.0, 0, 0.6), (9.0, 0, 0.3)), LATE) == Step(Move.RECOVER, 1)
    # 0.5 ÷ 2 = 0.25 against 0.23
    assert step(untried((4.0, 0, 0.5), (9.0, 0, 0.3)), LATE) == Step(Move.RECOVER, 0)


def test_without_a_real_chance_the_fastest_is_tried_whatever_it_costs():
    candidates = untried((1.0, 0, 0.97, 70.0), (100.0, 0, 0.99, 60.0))
    assert step(candidates, LATE) == Step(Move.RECOVER, 1)


@pytest.mark.parametrize("candidates", [NONE_LEFT, untried((1.0, 0, 1.0, 500.0))])
def test_without_any_chance_the_fastest_seen_is_endured(candidates):
    assert step(candidates, LATE) == Step(Move.ENDURE, 1)


def test_of_those_about_as_fast_the_cheapest_is_endured():
    seen = tried((9.0, 100.0, False), (4.0, 103.0, False), (1.0, 110.0, False))
    assert step(NONE_LEFT, seen) == Step(Move.ENDURE, 1)


NOTHING_SEEN = Tried(np.empty(0), np.empty(0), np.empty(0, bool))


def test_nothing_seen_and_no_chance_still_names_the_cheapest_candidate():
    assert step(untried((3.0, 0, 1.0), (2.0, 0, 1.0)), NOTHING_SEEN) == Step(Move.RECOVER, 1)


def test_endless_search_takes_the_best_of_what_does_not_pay():
    found = step(untried((1.0, 0.0, 0.0), (1.0, 0.001, 0.0)), is_endless=True)
    assert (found.move, found.place) == (Move.EXPLORE, 1)


@pytest.mark.parametrize(("asked", "safe"), [(0.01, 0.05), (0.1, 0.1), (0.4, 0.2)])
def test_safe_set_follows_the_deadline_within_bounds(asked, safe):
    assert rules_for(asked) == replace(RULES, safe_miss=safe)


candidates = st.lists(
    st.tuples(st.floats(0.01, 100), st.floats(0, 50), st.floats(0, 1)), min_size=1, max_size=12
)
clusters = st.lists(
    st.tuples(st.floats(0.1, 100), st.floats(1, 1e4), st.booleans()), min_size=1, max_size=6
)


@given(candidates, clusters, st.floats(0.1, 10))
def test_currency_does_not_matter(given_candidates, given_clusters, rate):
    plain = step(untried(*given_candidates), tried(*given_clusters))
    exchanged = step(
        untried(*[(usd * rate, gain * rate, p) for usd, gain, p in given_candidates]),
        tried(*[(usd * rate, s, ok) for usd, s, ok in given_clusters]),
    )
    assert exchanged.move is plain.move


@given(candidates, clusters)
def test_exploration_needs_a_run_in_time_and_stays_below_the_cap(given_candidates, given_clusters):
    found = step(untried(*given_candidates), tried(*given_clusters))
    in_time = [c for c in given_clusters if c[2]]
    assert (found.move in {Move.EXPLORE, Move.EXPLOIT}) == bool(in_time)
    if found.move is Move.EXPLORE:
        assert given_candidates[found.place][2] <= HAND.most_miss
        assert found.worth > 0
    if found.move is Move.EXPLOIT:
        assert given_clusters[found.place][0] == min(usd for usd, _, _ in in_time)
