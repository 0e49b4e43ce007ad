"""The rivals keep the rules they were published with."""

from dataclasses import replace

import numpy as np
import pytest

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.cost import RateCard
from isocost.domain.project import Phase, Sla
from isocost.errors import InvalidInput
from isocost.jobbank.rivals.bayes import Bayes
from isocost.jobbank.rivals.gaussian import features_of, log_runtimes
from isocost.jobbank.rivals.modelless import RandomSearch, Static
from isocost.model.history import Ending, Observation
from isocost.pricing.purchase import Purchase
from isocost.recommend.policy import Question, SearchAims
from isocost.space.candidates import CandidateSpace

SMALL, LARGE = NodeType("small", 2, 8.0, 0.1), NodeType("large", 8, 64.0, 0.5)
SPECS = tuple(ClusterSpec(t.node_type_id, n) for t in (SMALL, LARGE) for n in range(1, 13))
ENDLESS = SearchAims(is_endless=True)


def truth_s(spec):
    """Return the runtime of a workload that scales but for a tenth, on any cluster."""
    cores = (2 if spec.node_type_id == "small" else 8) * spec.worker_count
    return 100.0 + 7200.0 / cores


def ran(spec, runtime_s=None, ending=Ending.SUCCEEDED):
    return Observation(f"r-{spec}", spec, runtime_s or truth_s(spec), ending)


def a_question(*specs, **changes):
    history = [spec if isinstance(spec, Observation) else ran(spec) for spec in specs]
    return replace(Question(history, CandidateSpace(SPECS, ()), (SMALL, LARGE)), **changes)


def cost(spec):
    usd_per_hour = 0.1 if spec.node_type_id == "small" else 0.5
    return truth_s(spec) * usd_per_hour * spec.worker_count


def carried(policy, runs, **changes):
    """Return the clusters of so many runs from the first spec."""
    specs = [SPECS[0]]
    while len(specs) < runs:
        specs.append(policy.advise(a_question(*specs, **changes)).spec)
    return specs


RIVALS = [Static(), RandomSearch(1), Bayes(1)]


@pytest.mark.parametrize("policy", RIVALS)
def test_databricks_units_are_part_of_the_price(policy):
    types = tuple(replace(each, dbu_per_hour=1.0) for each in (SMALL, LARGE))
    purchase = Purchase(RateCard(usd_per_dbu=0.15))
    advice = policy.advise(a_question(SPECS[0], node_types=types, purchase=purchase))
    usd_per_hour = 0.15 + (0.1 if advice.spec.node_type_id == "small" else 0.5)
    per_s = usd_per_hour * advice.spec.worker_count / 3600
    assert advice.prediction.cost_usd >= advice.prediction.runtime_s * per_s * 0.999


@pytest.mark.parametrize("policy", RIVALS)
def test_same_question_gets_the_same_answer(policy):
    question = a_question(*SPECS[:4])
    assert policy.advise(question) == policy.advise(question)


@pytest.mark.parametrize("policy", RIVALS)
def test_no_history_is_refused(policy):
    with pytest.raises(InvalidInput, match="no run"):
        policy.advise(a_question())


@pytest.mark.parametrize("policy", RIVALS)
def test_predictions_are_ordered_and_positive(policy):
    p = policy.advise(a_question(*SPECS[:4], sla=Sla(500.0, 0.1))).prediction
    assert 0 < p.runtime_95_s.low < p.runtime_80_s.low < p.runtime_s
    assert p.runtime_s < p.runtime_80_s.high < p.runtime_95_s.high


def test_static_never_moves():
    assert set(carried(Static(), 5)) == {SPECS[0]}


def test_random_search_never_repeats_before_it_stops():
    specs = carried(RandomSearch(3), 10)
    assert len(set(specs[:6])) == 6
    assert set(specs[6:]) == {min(specs[:6], key=cost)}


def test_random_search_stays_with_the_cheapest_in_time():
    question = a_question(*SPECS[:8], sla=Sla(truth_s(SPECS[6]) + 1, 0.1))
    assert RandomSearch(1).advise(question).spec in SPECS[6:8]


def test_random_search_goes_on_until_one_is_in_time():
    answer = RandomSearch(1).advise(a_question(*SPECS[:8], sla=Sla(200.0, 0.1)))
    assert answer.phase is Phase.LEARNING
    assert answer.spec not in SPECS[:8]


@pytest.mark.parametrize("policy", [RandomSearch(3), Bayes(3)])
def test_endless_search_tries_every_cluster_once(policy):
    assert sorted(carried(policy, len(SPECS), aims=ENDLESS)) == sorted(SPECS)


def test_random_draws_differ_by_seed():
    firsts = {RandomSearch(seed).advise(a_question(SPECS[0])).spec for seed in range(30)}
    assert len(firsts) > 10


def test_bayes_begins_with_three_random_clusters():
    thirds = {tuple(carried(Bayes(seed), 3)) for seed in range(20)}
    assert len(thirds) > 15
    fourths = {Bayes(seed).advise(a_question(*SPECS[:3])).spec for seed in range(20)}
    assert len(fourths) == 1


def test_bayes_stops_after_six_clusters_at_the_earliest_and_stays():
    specs = carried(Bayes(0), 20)
    tried = len(set(specs))
    assert 6 <= tried <= 12
    assert set(specs[tried:]) == {min(specs[:tried], key=cost)}


def test_bayes_finds_a_good_cluster():
    best = min(cost(spec) for spec in SPECS)
    assert cost(carried(Bayes(0), 15)[-1]) <= 1.2 * best


def test_bayes_in_the_optimizing_phase_stays():
    question = a_question(*SPECS[:4], phase=Phase.OPTIMIZING)
    assert Bayes(0).advise(question).spec == min(SPECS[:4], key=cost)


def test_bayes_under_a_deadline_recovers_before_it_saves():
    late = a_question(*SPECS[:4], sla=Sla(400.0, 0.1))
    assert truth_s(Bayes(0).advise(late).spec) < min(map(truth_s, SPECS[:4]))


def test_bayes_keeps_away_from_what_is_likely_late():
    deadline_s = truth_s(SPECS[6]) + 1
    carried_specs = carried(Bayes(0), 20, sla=Sla(deadline_s, 0.1))
    assert truth_s(carried_specs[-1]) <= deadline_s


def test_failed_cluster_is_never_the_best():
    failed = ran(SPECS[1], 1.0, Ending.FAILED)
    question = a_question(SPECS[0], failed, *SPECS[2:8], phase=Phase.OPTIMIZING)
    assert Bayes(0).advise(question).spec != SPECS[1]


def test_history_without_any_runtime_is_refused():
    unknown = Observation("r-1", SPECS[0], None, Ending.FAILED)
    with pytest.raises(InvalidInput, match="nothing to learn from"):
        Bayes(0).advise(a_question(unknown))


def belief(*places):
    features = features_of(SPECS, (SMALL, LARGE))
    return log_runtimes(features, places, np.log([truth_s(SPECS[place]) for place in places]))


def test_features_are_standardised():
    features = features_of(SPECS, (SMALL, LARGE))
    assert features.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert features.std(axis=0) == pytest.approx(np.ones(4))


def test_feature_in_which_all_are_equal_is_zero():
    assert (features_of(SPECS[:1], (SMALL,)) == 0).all()


def test_process_is_sure_where_it_was_observed_and_unsure_elsewhere():
    found = belief(0, 5, 11)
    spread = found.weights @ found.deviations
    assert spread[5] < 0.5 * spread[18]


def test_process_goes_through_what_it_saw():
    found = belief(0, 5, 11)
    assert found.quantile_s(0.5, 5) == pytest.approx(truth_s(SPECS[5]), rel=0.05)


def test_interpolation_gets_near_with_more_points():
    found = belief(*range(0, 12, 2))
    assert found.quantile_s(0.5, 5) == pytest.approx(truth_s(SPECS[5]), rel=0.1)


def test_expected_improvement_agrees_with_sampling():
    found, rates = belief(0, 5, 11), np.full(len(SPECS), 0.001)
    chance = np.random.default_rng(0)
    place, best_usd = 18, 0.5
    component = chance.choice(len(found.weights), size=200_000, p=found.weights)
    logs = chance.normal(found.means[component, place], found.deviations[component, place])
    sampled = np.maximum(0.0, best_usd - 0.001 * np.exp(logs)).mean()
    assert found.expected_improvement(rates, best_usd)[place] == pytest.approx(sampled, rel=0.02)
