"""Vault files: what was put in comes out, and damage is named."""

import re
from dataclasses import replace

import pytest
import zstandard

from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.archive import packed, unpacked
from isocost.jobbank.vault.recording import Recording
from tests.unit.jobbank.vault.builders import PROVENANCE, a_recording, a_workload


def test_recordings_come_back_as_they_were():
    assert unpacked(packed([a_recording()]), "here") == (a_recording(),)


def test_equal_vaults_are_equal_bytes():
    first, second = a_recording(), a_recording(name="shop/returns")
    assert packed([first, second]) == packed([second, first])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zstd",
        packed([a_recording()])[:-20],
        zstandard.compress(b'{"vault_format":1}\n{}'),
    ],
    ids=["empty", "foreign", "cut short", "a line without fields"],
)
def test_damaged_file_is_named_with_what_to_do(data):
    with pytest.raises(InvalidInput, match=r"^my-vault is no vault.*bank vault record"):
        unpacked(data, "my-vault")


def test_workload_that_contradicts_itself_is_damage():
    text = zstandard.ZstdDecompressor().decompress(packed([a_recording()]), 10**6)
    data = zstandard.compress(re.sub(rb'"spark_task_count":8', b'"spark_task_count":0', text))
    with pytest.raises(InvalidInput, match=r"my-vault is no vault.*at least 1 spark task"):
        unpacked(data, "my-vault")


def test_newer_format_is_not_guessed_at():
    data = zstandard.compress(b'{"vault_format":2}\n')
    with pytest.raises(InvalidInput, match="vault format 2; this version of Isocost reads 1"):
        unpacked(data, "my-vault")


def test_own_vault_begins_empty(tmp_path):
    assert shelf.own(tmp_path / "none") == ()


def test_put_replaces_what_has_the_same_name(tmp_path):
    file = tmp_path / "deep" / "vault"
    newer = a_recording(provenance=replace(PROVENANCE, runtime_s=99.0))
    shelf.put(file, [a_recording(), a_recording(name="shop/returns")])
    shelf.put(file, [newer])
    assert [r.provenance.runtime_s for r in shelf.own(file)] == [99.0, 12.0]


def test_own_recording_counts_before_the_shipped_one(tmp_path):
    shelf.put(tmp_path / "vault", [a_recording(name="tpcds/q1")])
    found = shelf.find("tpcds/q1", shelf.all_recordings(tmp_path / "vault"))
    assert (found.is_own, found.provenance.machine) == (True, "a machine")


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownName, match=r"called 'shop/order'. Did you mean shop/orders\?"):
        shelf.find("shop/order", [a_recording()])


def test_folder_in_the_way_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot be read: .*point --vault to another file"):
        shelf.own(tmp_path)


@pytest.mark.parametrize("name", ["", "Upper", "a//b", "/a", "a b", "a" * 101])
def test_bad_name_says_what_a_name_is(name):
    with pytest.raises(InvalidInput, match="is no name of a workload: use lower-case"):
        Recording(name, PROVENANCE, a_workload())
