"""Recording: resumable, and one failure stops nothing."""

import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import NodeType
from isocost.domain.profile import ClusterFacts
from isocost.errors import ClusterTooLarge
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.provenance import RecordedOn
from isocost.testing.nouns import a_profile, a_stage
from isocost.testing.synthetic_platform import SyntheticPlatform
from isocost.usecases.vault import (
    Recorder,
    own_name,
    record_applications,
    record_log,
    recorded_on,
    recording_cluster,
)

NAMES = ("etl/a", "etl/b", "sql/c")


@pytest.fixture
def record(tmp_path):
    """Return a function that records all on a platform; a second call goes on with the vault."""

    def run(platform, **options):
        on = RecordedOn("a machine", scale_factor=0.5)
        recorder = Recorder(platform, tmp_path / "vault", on, platform.read_profile)
        options = {"is_again": False, "on_done": lambda message, *, done, total: None} | options
        return record_applications(NAMES, recorder, **options), shelf.own(tmp_path / "vault")

    return run


def test_each_application_is_in_the_vault_with_where_it_came_from(record):
    _, kept = record(SyntheticPlatform())
    assert [r.name for r in kept] == [*NAMES]
    assert {(r.provenance.machine, r.provenance.scale_factor) for r in kept} == {
        ("a machine", 0.5)
    }


def test_what_is_recorded_is_not_run_again(record):
    platform = SyntheticPlatform()
    record(SyntheticPlatform(failing=["etl/b"]))
    found, kept = record(platform)
    assert (platform.executed, found.skipped) == (["vault-etl/b"], ["etl/a", "sql/c"])
    assert len(kept) == 3


def test_everything_is_run_again_if_asked(record):
    platform = SyntheticPlatform()
    record(platform)
    record(platform, is_again=True)
    assert len(platform.executed) == 6


@pytest.mark.parametrize("fault", ["failing", "unreadable"])
def test_failure_is_told_and_the_others_are_recorded(record, fault):
    found, kept = record(SyntheticPlatform(**{fault: ["etl/b"]}))
    assert [*found.failed] == ["etl/b"]
    assert [r.name for r in kept] == ["etl/a", "sql/c"]


def test_progress_names_each_application(record):
    heard = []
    record(
        SyntheticPlatform(failing=["etl/b"]),
        on_done=lambda message, *, done, total: heard.append((message, done, total)),
    )
    assert heard[0] == ("etl/a recorded", 1, 3)
    assert heard[1] == ("etl/b failed: executor lost: out of memory", 2, 3)


def test_one_worker_of_the_largest_kind_records():
    spec = recording_cluster(SyntheticPlatform())
    assert (spec.node_type_id, spec.worker_count) == (LOCAL_NODE_TYPES[-1].node_type_id, 1)


def test_machine_too_small_for_any_worker_is_refused():
    platform = SyntheticPlatform()
    platform.capacity_gib = lambda: 0.5
    with pytest.raises(ClusterTooLarge, match=r"No worker of synthetic fits.*Free memory"):
        recording_cluster(platform)


def test_name_of_an_application_becomes_one_of_the_vault():
    assert own_name("Nightly  ETL (v2)") == "own/nightly-etl-v2"
    assert own_name("***") == "own/application"


def test_log_is_named_after_its_application(tmp_path):
    profile = a_profile(a_stage(0, 1.0, 1.0), application_name="Nightly")
    record_log(profile, None, vault=tmp_path / "vault", machines={})
    assert [r.name for r in shelf.own(tmp_path / "vault")] == ["own/nightly"]


def test_speed_of_the_recording_cores_comes_from_the_catalog():
    node_type = NodeType("m9.fast", 2, 8.0, 0.1, coremark=2 * 2 * 14_474.0)
    facts = ClusterFacts("databricks", worker_node_type="m9.fast")
    found = recorded_on(a_profile(cluster=facts), {"m9.fast": node_type})
    assert (found.machine, found.cpu_speed) == ("m9.fast", 2.0)


@pytest.mark.parametrize("facts", [None, ClusterFacts("spark", worker_node_type="unheard-of")])
def test_unknown_machine_counts_as_the_reference(facts):
    assert recorded_on(a_profile(cluster=facts), {}).cpu_speed == 1.0
