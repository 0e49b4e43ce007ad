"""The catalog answers by cloud and region, and says what else there is when it cannot."""

import pytest

from isocost.catalog.kinds import Compute, Disk, Engine
from isocost.catalog.shipped import load
from isocost.domain.workspace import Cloud, Plan
from isocost.errors import UnknownName

AWS = (Cloud.AWS, "us-east-1")
AZURE = (Cloud.AZURE, "eastus")


def test_loaded_once():
    assert load() is load()


def test_node_type_says_all_that_is_known():
    node = load().node_type(*AWS, "m5d.xlarge")
    assert (node.cores, node.memory_gib, node.dbu_per_hour) == (4, 16.0, 0.69)
    assert (node.usd_per_hour, node.network_gbps) == (0.226, 1.25)
    assert (node.local_disk_count, node.local_disk_gib) == (1, 139.7)


def test_rents_differ_by_region():
    there = load().node_type(Cloud.AWS, "eu-west-1", "m5.xlarge")
    assert there.usd_per_hour > load().node_type(*AWS, "m5.xlarge").usd_per_hour


def test_arm_is_told_from_x86():
    assert load().node_type(*AWS, "m6g.xlarge").architecture == "arm64"
    assert load().node_type(*AWS, "m6i.xlarge").architecture == "x86_64"


def test_unknown_node_type_names_the_nearest():
    with pytest.raises(
        UnknownName, match=r"'m5\.xlage' of .* on aws in us-east-1: .*Nearest: m5\.xlarge"
    ):
        load().node_type(*AWS, "m5.xlage")


def test_case_does_not_hide_the_nearest():
    with pytest.raises(UnknownName, match="Nearest: Standard_DS3_v2"):
        load().node_type(*AZURE, "standard_ds3_v2")


def test_nothing_near_is_said_so():
    with pytest.raises(UnknownName, match="Look for it on another cloud"):
        load().node_type(*AWS, "zzz")


def test_node_type_of_another_cloud_is_told():
    with pytest.raises(UnknownName, match="it belongs to azure"):
        load().node_type(*AWS, "Standard_DS3_v2")


def test_node_type_without_dbu_is_refused_with_the_reason():
    with pytest.raises(UnknownName, match="no rate list of Databricks in the sources names it"):
        load().node_type(*AWS, "c4.large")


def test_machines_bill_no_dbu_and_include_what_databricks_does_not_rent():
    machines = {m.node_type_id: m for m in load().machines(*AWS)}
    assert machines["c4.large"].dbu_per_hour == machines["m5.xlarge"].dbu_per_hour == 0.0


def test_all_node_types_on_databricks_bill_dbus():
    assert all(node.dbu_per_hour > 0 for node in load().node_types(*AZURE))


def test_unknown_region_names_the_known_ones():
    with pytest.raises(UnknownName, match="It has: us-east-1, eu-west-1"):
        load().node_types(Cloud.AWS, "mars-1")


def test_rate_card_of_a_plan():
    card = load().rate_card(*AWS, Plan.ENTERPRISE, compute=Compute.ALL_PURPOSE_COMPUTE)
    assert (card.usd_per_dbu, card.dbu_multiplier) == (0.65, 1.0)


def test_photon_multiplies_the_dbus_of_azure_by_its_own_factor():
    card = load().rate_card(*AZURE, Plan.PREMIUM, engine=Engine.PHOTON)
    assert (card.usd_per_dbu, card.dbu_multiplier) == (0.3, 2.5)


def test_plan_without_rates_names_those_that_have():
    with pytest.raises(UnknownName, match="It has: premium"):
        load().rate_card(*AZURE, Plan.ENTERPRISE)


def test_disk_of_another_cloud_is_refused():
    with pytest.raises(UnknownName, match="ask for gp2, gp3"):
        load().rate_card(*AWS, Plan.PREMIUM, disk=Disk.PREMIUM_SSD_P10)


def test_unknown_rates_are_none_not_zero():
    card = load().rate_card(Cloud.AZURE, "westeurope", Plan.PREMIUM)
    assert card.disk_usd_per_gib_month is None
    assert card.spot_fraction is None


def test_missing_facts_have_their_reasons():
    assert load().missing("Standard_L8s_v3") == {"coremark": "the sources hold no measurement"}
    assert load().missing("m5.xlarge") == {}


def test_missing_facts_of_an_unknown_node_type_are_an_error():
    with pytest.raises(UnknownName, match=r"Nearest: m5\.xlarge"):
        load().missing("m5.xlage")
