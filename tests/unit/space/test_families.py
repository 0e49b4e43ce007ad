"""Families are what the sizes of a machine share, by the clouds' own naming schemes."""

import pytest

from isocost.catalog.shipped import load
from isocost.domain.workspace import Cloud
from isocost.space.families import DEFAULT_BREADTH, family_of, has_accelerator


@pytest.mark.parametrize(
    ("node_type_id", "family"),
    [
        ("m5.xlarge", "m5"),
        ("r5d.16xlarge", "r5d"),
        ("x2gd.metal", "x2gd"),
        ("Standard_D8_v3", "Standard_D_v3"),
        ("Standard_DS3_v2", "Standard_DS_v2"),
        ("Standard_E16ds_v5", "Standard_Eds_v5"),
        ("Standard_E4-2s_v3", "Standard_Es_v3"),
        ("Standard_F8", "Standard_F"),
        ("Standard_NC4as_T4_v3", "Standard_NCas_T4_v3"),
        ("local-1c-2g", "local-1c-2g"),
    ],
)
def test_family_is_the_name_without_its_size(node_type_id, family):
    assert family_of(node_type_id) == family


@pytest.mark.parametrize("cloud", list(Cloud))
def test_family_and_size_tell_all_node_types_of_the_catalog_apart(cloud):
    types = load().node_types(cloud, load().regions(cloud)[0])
    sizes = [(family_of(t.node_type_id), t.cores, t.memory_gib) for t in types]
    assert len(set(sizes)) == len(types)
    assert len({family for family, _, _ in sizes}) < len(types) / 4


@pytest.mark.parametrize("name", ["g4dn.xlarge", "p3.2xlarge", "inf2.xlarge", "Standard_NC6s_v3"])
def test_accelerated_node_types_are_known_by_name(name):
    assert has_accelerator(name)


def test_no_priced_node_type_is_taken_for_an_accelerated_one():
    types = [t for cloud in Cloud for t in load().node_types(cloud, load().regions(cloud)[0])]
    assert not [t.node_type_id for t in types if has_accelerator(t.node_type_id)]


def test_families_looked_at_are_in_the_catalog():
    types = [t for cloud in Cloud for t in load().node_types(cloud, load().regions(cloud)[0])]
    assert {family_of(t.node_type_id) for t in types} >= DEFAULT_BREADTH.families
