"""What the engine calls cheapest depends on how clusters are bought."""

from dataclasses import replace

import pytest

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.cost import RateCard
from isocost.pricing.purchase import Purchase
from tests.unit.model.clusters import GENERAL, TYPES, on, runs_on, true_runtime_s
from tests.unit.recommend.questions import ask

PLAIN = Purchase()
LIKE_WORKERS = Purchase(is_driver_like_workers=True)
SPOT = Purchase(is_spot=True)
# Eight times the machine for eight times the price: the same work, in fewer nodes.
LARGE = NodeType("large", 32, 128.0, 8 * GENERAL.usd_per_hour, coremark=8 * 56_000.0)
BOTH = (GENERAL, LARGE)


def advice(purchase, *history, **changes):
    return ask(*history or runs_on(on(4)), purchase=purchase, **changes)


def usd_per_s(purchase, spec, node_types=TYPES):
    return float(purchase.usd_per_s([spec], node_types)[0])


@pytest.mark.parametrize("purchase", [PLAIN, LIKE_WORKERS, SPOT, Purchase(driver=GENERAL)])
def test_predicted_cost_is_the_runtime_at_the_price_of_the_purchase(purchase):
    predicted = advice(purchase, space=(on(4),)).prediction
    rate = usd_per_s(purchase, on(4))
    assert predicted.cost_usd == pytest.approx(rate * predicted.runtime_s, rel=0.01)


def test_driver_like_the_workers_costs_one_worker_more():
    alone, paid = (advice(p, space=(on(4),)).prediction for p in (PLAIN, LIKE_WORKERS))
    assert paid.cost_usd == pytest.approx(alone.cost_usd * 5 / 4)


def test_driver_like_the_workers_makes_small_clusters_of_large_nodes_dear():
    # 16 × general and 2 × large are 64 cores at one price, but for the driver.
    space = (on(16), ClusterSpec("large", 2))
    runs = [
        replace(run, spec=spec) for run, spec in zip(runs_on(*[on(16)] * 2), space, strict=True)
    ]
    chosen = ask(*runs, *runs, purchase=LIKE_WORKERS, space=space, node_types=BOTH)
    assert chosen.spec == on(16)
    assert usd_per_s(LIKE_WORKERS, space[1], BOTH) > 1.3 * usd_per_s(LIKE_WORKERS, on(16), BOTH)


def test_driver_of_its_own_makes_many_workers_cheaper_for_each():
    dear = Purchase(driver=NodeType("driver", 16, 64.0, 20 * GENERAL.usd_per_hour))
    few, many = (advice(p, *runs_on(*[on(n) for n in (1, 2, 4, 8, 16)])) for p in (PLAIN, dear))
    assert true_runtime_s(many.spec) < true_runtime_s(few.spec)


def test_node_type_with_cheap_spot_nodes_wins_only_where_spot_is_bought():
    types = tuple(
        replace(t, spot_usd_per_hour=t.usd_per_hour * (0.1 if t.node_type_id == "memory" else 0.9))
        for t in TYPES
    )
    runs = runs_on(on(4), on(8))
    on_demand, spot = (advice(p, *runs, node_types=types) for p in (PLAIN, SPOT))
    assert on_demand.spec.node_type_id != "memory"
    assert spot.spec.node_type_id == "memory"


def test_dbus_count_as_rents_do():
    types = tuple(
        replace(t, dbu_per_hour=5.0 if t.node_type_id == "compute" else 1.0) for t in TYPES
    )
    dear_dbus = Purchase(RateCard(usd_per_dbu=0.5))
    runs = runs_on(on(4), on(8))
    assert advice(PLAIN, *runs).spec.node_type_id == "compute"
    assert advice(dear_dbus, *runs, node_types=types).spec.node_type_id != "compute"


def test_start_of_the_cluster_is_paid_at_the_price_of_the_purchase():
    short, long = (
        advice(LIKE_WORKERS, space=(on(4),), overhead_s=s).prediction.cost_usd
        for s in (0.0, 100.0)
    )
    assert long - short == pytest.approx(100.0 * usd_per_s(LIKE_WORKERS, on(4)))
