"""Draws: the same for the same seed, far apart, and only what the workload succeeds on."""

import pytest

from isocost.catalog.shipped import load
from isocost.domain.workspace import Cloud
from isocost.errors import ClusterTooLarge
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.growth import scaled
from isocost.jobbank.vault.recording import spark_task_count
from isocost.jobbank.workspace_draw import drawn_cold_starts, drawn_gb
from isocost.space.families import family_of

TYPES = {
    Cloud.AWS: load().node_types(Cloud.AWS, "us-east-1"),
    Cloud.AZURE: load().node_types(Cloud.AZURE, "eastus"),
}
BENCHMARKS = [r for r in shelf.shipped() if r.name.startswith(("tpcds/", "tpch/"))]


def drawn(workload="tpcds/q1", *, cloud=Cloud.AWS, count=5, seed=7, runs=lambda _: True):
    return drawn_cold_starts(workload, TYPES[cloud], count=count, seed=seed, runs=runs)


def cores(start):
    sizes = {each.node_type_id: each.cores for of in TYPES.values() for each in of}
    return sizes[start.spec.node_type_id] * start.spec.worker_count


@pytest.mark.parametrize("recording", BENCHMARKS, ids=lambda recording: recording.name)
def test_workloads_have_200_to_20000_spark_tasks(recording):
    assert 200 <= spark_task_count(scaled(recording, drawn_gb(recording, 7))) <= 20_000


def test_sizes_are_spread_over_all_that_are_meant():
    counts = sorted(spark_task_count(scaled(r, drawn_gb(r, 7))) for r in BENCHMARKS)
    assert counts[len(counts) // 10] < 500
    assert counts[-len(counts) // 10] > 5_000


def test_the_same_seed_draws_the_same():
    assert drawn() == drawn()
    assert drawn_gb(BENCHMARKS[0], 7) == drawn_gb(BENCHMARKS[0], 7)


@pytest.mark.parametrize("other", [{"seed": 8}, {"workload": "tpcds/q2"}])
def test_another_seed_or_workload_draws_others(other):
    assert drawn(**other) != drawn()


@pytest.mark.parametrize("cloud", Cloud)
@pytest.mark.parametrize("seed", range(5))
def test_cold_starts_of_a_workload_are_far_apart(cloud, seed):
    found = drawn(cloud=cloud, seed=seed)
    shapes = [start.shape for start in found]
    assert max(map(cores, found)) >= 8 * min(map(cores, found))
    assert len({family_of(start.spec.node_type_id) for start in found}) >= 4
    assert 2 <= sum(shape.is_spot for shape in shapes) <= 3
    assert 1 <= sum(shape.least_worker_count is not None for shape in shapes) + (
        sum(start.spec.worker_count == 1 for start in found)
    )


def test_disks_are_attached_to_some_machines_that_have_none():
    found = [start for seed in range(8) for start in drawn(seed=seed)]
    local = {t.node_type_id for t in TYPES[Cloud.AWS] if t.local_disk_gib}
    sizes = {start.shape.disk_gib for start in found}
    assert {0, 100, 250, 500} == sizes
    assert not any(s.shape.disk_gib for s in found if s.spec.node_type_id in local)


def test_a_cluster_that_the_workload_fails_on_is_drawn_anew():
    found = drawn(runs=lambda start: cores(start) >= 64)
    assert len(set(found)) == 5
    assert min(map(cores, found)) >= 64


def test_a_workload_that_fails_everywhere_is_named():
    with pytest.raises(ClusterTooLarge, match=r"tpcds/q1 succeeds on none .* Leave this workload"):
        drawn(runs=lambda _: False)
