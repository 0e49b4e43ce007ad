"""What failed makes smaller clusters suspect, and never larger ones more than smaller ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.failure import BAD_LUCK, BAD_LUCK_RUNS, FailureModel
from tests.unit.model.clusters import COMPUTE, MEMORY, SPACE, at, on

ALL = at(*SPACE)
outcomes = st.lists(st.tuples(st.sampled_from(SPACE), st.booleans()), min_size=1, max_size=12)


def model(*outcomes):
    return FailureModel(ALL, at(*[s for s, _ in outcomes]), [failed for _, failed in outcomes])


def chance(found, *specs):
    return found.probability(at(*specs))


def amounts(points):
    in_sum = points.node_memory_gib * points.nodes
    return np.vstack([in_sum / points.cores, in_sum, points.cores])


@given(outcomes)
def test_less_of_everything_never_fails_less(given_outcomes):
    found = model(*given_outcomes).probability(ALL)
    mine = amounts(ALL)
    for place in range(len(ALL)):
        is_dominated = (mine <= mine[:, [place]]).all(axis=0)
        assert (found[is_dominated] >= found[place] - 1e-12).all()


@given(outcomes, st.sampled_from(SPACE))
def test_a_failure_makes_dominated_clusters_more_suspect(given_outcomes, failed):
    before = model(*given_outcomes).probability(ALL)
    after = model(*given_outcomes, (failed, True)).probability(ALL)
    is_dominated = (amounts(ALL) <= amounts(at(failed))).all(axis=0)
    assert (after[is_dominated] >= before[is_dominated] - 1e-12).all()


@given(outcomes)
def test_chances_are_probabilities_and_never_below_bad_luck(given_outcomes):
    found = model(*given_outcomes).probability(ALL)
    successes = sum(not has_failed for _, has_failed in given_outcomes)
    luck = BAD_LUCK * BAD_LUCK_RUNS / (BAD_LUCK_RUNS + successes)
    assert ((found >= luck - 1e-12) & (found < 1.0)).all()


def test_successes_make_bad_luck_less_likely():
    often = model(*[(on(4, MEMORY), False)] * 90)
    assert chance(often, on(4, MEMORY))[0] == pytest.approx(0.003, rel=0.1)


def test_probability_is_bayes_rule_by_brute_force():
    outcomes = [(on(1, COMPUTE), True), (on(4, MEMORY), False)]
    tried = at(*[s for s, _ in outcomes])
    luck = 0.03 * 10 / 11  # one success
    prior, likelihood, asked = [], [], []
    for mine, theirs, here in zip(amounts(ALL), amounts(tried), amounts(at(on(2))), strict=True):
        edges = np.linspace(np.log(mine.min()), np.log(mine.max()), 41)
        for threshold in np.exp((edges[1:] + edges[:-1]) / 2):
            p = np.where(theirs < threshold, 0.95, 0.03)
            e_folds = min(1.0, np.log(mine.max() / mine.min()) / 5)
            prior.append(0.3 / 3 * e_folds / 40)
            likelihood.append(p[0] * (1 - p[1]))
            asked.append(0.95 if here[0] < threshold else luck)
    prior.append(1 - sum(prior))
    likelihood.append(0.03 * 0.97)
    asked.append(luck)
    weights = np.array(prior) * likelihood
    assert chance(model(*outcomes), on(2))[0] == pytest.approx(
        weights @ asked / weights.sum(), rel=1e-9
    )


def test_successes_on_small_clusters_clear_larger_ones():
    found = model(*[(on(1, COMPUTE), False)] * 3)
    assert chance(found, on(8))[0] < 0.04


def test_failure_for_want_of_memory_leaves_roomier_nodes_open():
    lean = [(on(n, COMPUTE), True) for n in (4, 8, 16)]
    found = model(*lean, (on(4, MEMORY), False))
    assert chance(found, on(12, COMPUTE))[0] > 0.8
    assert chance(found, on(8, MEMORY))[0] < 0.1
