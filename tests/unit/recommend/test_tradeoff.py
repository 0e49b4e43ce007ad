"""The curve holds exactly what no other candidate beats in both runtime and cost."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isocost.recommend.tradeoff import front, thinned

# Few distinct values, so that ties happen.
amounts = st.integers(1, 12).map(float)
candidates = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=40)


def beats(a, b):
    return a[0] <= b[0] and a[1] <= b[1] and a != b


@given(candidates)
def test_front_is_what_brute_force_finds(pairs):
    places = front(*np.array(pairs).T)
    expected = {pair for pair in pairs if not any(beats(other, pair) for other in pairs)}
    found = [pairs[place] for place in places]
    assert set(found) == expected
    assert len(found) == len(expected)


@given(candidates)
def test_front_runs_from_the_cheapest_to_the_fastest(pairs):
    runtime_s, cost_usd = np.array(pairs).T
    places = front(runtime_s, cost_usd)
    assert cost_usd[places[0]] == cost_usd.min()
    assert runtime_s[places[-1]] == runtime_s.min()
    assert (np.diff(cost_usd[places]) > 0).all()
    assert (np.diff(runtime_s[places]) < 0).all()


@given(st.integers(1, 100), st.integers(2, 12))
def test_thinned_curve_keeps_both_ends_and_order(count, most):
    places = np.arange(count) * 3
    kept = thinned(places, most)
    assert len(kept) == min(count, most)
    assert (kept[0], kept[-1]) == (places[0], places[-1])
    assert (np.diff(kept) > 0).all()
