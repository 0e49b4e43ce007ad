"""A project is offered what its limits and its workspace allow, at that place's rates."""

from dataclasses import replace

import pytest

from isocost.catalog.shipped import load
from isocost.domain.cluster import ClusterSpec
from isocost.domain.limits import Limits
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.errors import InvalidInput, UnknownName
from isocost.platforms.host import DefinedCluster
from isocost.space.families import family_of
from isocost.testing.nouns import NOW, a_project
from isocost.usecases.offer import check_families, offer_for

AWS = Workspace("w-1", "https://one.example", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW)
AZURE = replace(AWS, cloud=Cloud.AZURE, region="eastus")
CLUSTER = DefinedCluster("main", ClusterSpec("m5.xlarge", 8))
LIMITS = Limits(families=("m5", "r5d"))


def offered(cluster=CLUSTER, workspace=AWS, rentable=None, limits=LIMITS):
    project = a_project(limits=limits)
    return offer_for(project, cluster, workspace=workspace, catalog=load(), rentable=rentable)


def usd_per_h(offer, spec=CLUSTER.spec):
    return float(offer.purchase.usd_per_s([spec], offer.node_types)[0]) * 3600


def test_limits_of_the_project_hold():
    candidates = offered().space.candidates
    assert {family_of(s.node_type_id) for s in candidates} == {"m5", "r5d"}
    assert CLUSTER.spec in candidates


def test_without_limits_current_and_previous_generations_are_offered():
    candidates = offered(limits=Limits()).space.candidates
    families = {family_of(s.node_type_id) for s in candidates}
    assert families >= {"m5", "m7i", "r6id", "c6i", "i4i"}
    assert not families & {"c4", "m6g", "m5zn"}


def test_only_what_the_workspace_rents_is_offered():
    offer = offered(rentable=frozenset({"m5.xlarge", "r5d.xlarge", "m5.unheard-of"}))
    assert {s.node_type_id for s in offer.space.candidates} == {"m5.xlarge", "r5d.xlarge"}


def test_machines_without_dbus_are_rejected_for_want_of_a_price():
    known = {t.node_type_id for t in load().node_types(Cloud.AWS, "us-east-1")}
    unpriced = next(
        t.node_type_id
        for t in load().machines(Cloud.AWS, "us-east-1")
        if t.node_type_id not in known and t.architecture == "x86_64"
    )
    offer = offered(rentable=frozenset({unpriced}), limits=Limits())
    told = [str(r) for r in offer.space.rejections if r.spec.node_type_id == unpriced]
    assert told == [
        f"8 × {unpriced}: the price of its machine or DBUs is unknown (1 against 2 prices)"
    ]
    assert unpriced not in {t.node_type_id for t in offer.node_types}


def test_driver_and_disks_are_paid_for():
    # m5.xlarge: 0.192 USD and 0.69 DBU an hour; 180 GiB of gp3 at 0.08 USD a month.
    node = 0.192 + 0.69 * 0.15 + 180 * 0.08 / 730
    assert usd_per_h(offered()) == pytest.approx(9 * node, rel=1e-3)
    fixed = replace(CLUSTER, driver_node_type_id="m5.large", disk_gib=100.0)
    small = 0.096 + 0.34 * 0.15
    disks = 9 * 280 * 0.08 / 730
    assert usd_per_h(offered(fixed)) == pytest.approx(
        8 * (0.192 + 0.69 * 0.15) + small + disks, rel=1e-2
    )


def test_driver_goes_with_the_workers_unless_it_has_a_type_of_its_own():
    like, fixed = offered(), offered(replace(CLUSTER, driver_node_type_id="m5.xlarge"))
    dear = ClusterSpec("r5d.4xlarge", 2)
    assert usd_per_h(like) == pytest.approx(usd_per_h(fixed))
    assert usd_per_h(like, dear) > usd_per_h(fixed, dear)


def test_photon_multiplies_the_dbus_and_spot_lowers_the_rent():
    plain = usd_per_h(offered())
    assert usd_per_h(offered(replace(CLUSTER, is_photon=True))) > 1.3 * plain
    assert usd_per_h(offered(replace(CLUSTER, is_spot=True))) < 0.9 * plain


def test_region_without_disk_rates_can_be_offered_all_the_same():
    west = replace(AZURE, region="westeurope")
    cluster = DefinedCluster("main", ClusterSpec("Standard_DS3_v2", 4), disk_gib=128.0)
    offer = offered(cluster, west, limits=Limits())
    assert usd_per_h(offer, cluster.spec) > 0


def test_pool_pins_the_node_type():
    offer = offered(replace(CLUSTER, is_pooled=True))
    assert {s.node_type_id for s in offer.space.candidates} == {"m5.xlarge"}
    assert len(offer.space.candidates) > 8


def test_present_node_type_without_a_price_is_refused_with_a_remedy():
    cluster = DefinedCluster("etl", ClusterSpec("m5.xlagre", 2))
    with pytest.raises(InvalidInput, match=r"'etl' .* 'm5\.xlagre', .* \(m5\.xlarge, .*leave"):
        offered(cluster)


def test_driver_without_a_price_is_refused():
    with pytest.raises(InvalidInput, match=r"has driver of node type 'g4dn\.xlarge'"):
        offered(replace(CLUSTER, driver_node_type_id="g4dn.xlarge"))


def test_region_without_rates_is_refused():
    with pytest.raises(UnknownName, match=r"no rates for aws in region 'mars-1'"):
        offered(workspace=replace(AWS, region="mars-1"))


def test_family_nobody_has_is_refused_with_the_nearest():
    check_families(Limits(families=("R5D", "m6g")), AWS, load())
    with pytest.raises(UnknownName, match=r"no family 'm5\.xlarge' .* Nearest: .*m5"):
        check_families(Limits(families=("m5.xlarge",)), AWS, load())
    with pytest.raises(UnknownName, match=r"Nearest: .*Standard_Es_v5"):
        check_families(Limits(families=("Standard_E_v5",)), AZURE, load())


def test_family_like_no_other_is_refused_with_few_names():
    with pytest.raises(UnknownName) as refused:
        check_families(Limits(families=("bogus",)), AZURE, load())
    assert str(refused.value).partition("Nearest: ")[2].partition(". ")[0].count(",") in range(
        1, 5
    )
