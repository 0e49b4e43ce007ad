"""The judge: what clusters take and cost, and which is best, against the simulator itself."""

from dataclasses import replace
from math import inf

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import ColdShape
from isocost.domain.workspace import Cloud
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.growth import scaled
from isocost.jobbank.workspace_plans import PLAIN, machinery_of
from isocost.jobbank.workspace_truth import Judge, new_cluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.simulate import simulate
from isocost.space.families import family_of

MACHINERY = machinery_of(Cloud.AWS)
FAMILIES = {"c5", "c7a", "m5", "m6i", "m7a", "r5", "i3"}
CANDIDATES = [
    ClusterSpec(name, count)
    for name, node_type in sorted(MACHINERY.node_types.items())
    if family_of(name) in FAMILIES and 4 <= node_type.cores <= 16
    for count in (1, 2, 3, 4, 6, 8, 17, 32)
]
SPEC = ClusterSpec("m5.2xlarge", 4)


@pytest.fixture(scope="module")
def judge():
    recording = shelf.find("tpcds/q9", shelf.shipped())
    return Judge(scaled(recording, 50.0), MACHINERY)


def test_truth_is_a_run_without_noise(judge):
    cluster = MACHINERY.cluster(new_cluster(SPEC, PLAIN, Cloud.AWS))
    run = simulate(judge.workload, cluster, RunConditions(noise_cv=0.0), seed=1)
    assert judge.truth(SPEC, PLAIN).duration_s == run.application_end_s


@pytest.mark.parametrize("factor", [1.2, 2.0, 6.0])
def test_best_is_within_two_percent_of_the_best_of_all(judge, factor):
    deadline_s = factor * judge.fastest(PLAIN, CANDIDATES).duration_s
    least = min(judge.truth(c, PLAIN).usd_in_time(deadline_s) for c in CANDIDATES)
    found = judge.best(PLAIN, CANDIDATES, max_runtime_s=deadline_s)
    assert found.duration_s <= deadline_s
    assert least <= found.usd <= 1.02 * least


def test_fastest_is_within_two_percent_of_the_fastest_of_all(judge):
    least = min(judge.truth(c, PLAIN).duration_s for c in CANDIDATES)
    assert judge.fastest(PLAIN, CANDIDATES).duration_s <= 1.02 * least


def test_none_is_best_where_none_is_in_time(judge):
    assert judge.best(PLAIN, CANDIDATES[:20], max_runtime_s=1.0) is None


def test_spot_and_disks_change_the_bill_and_not_the_time(judge):
    plain, spot, disks = (
        judge.truth(SPEC, shape)
        for shape in (PLAIN, ColdShape(is_spot=True), ColdShape(disk_gib=500))
    )
    assert spot.duration_s == plain.duration_s == disks.duration_s
    assert spot.usd < plain.usd < disks.usd


def test_what_fails_is_never_in_time(judge):
    truth = replace(judge.truth(SPEC, PLAIN), duration_s=inf)
    assert truth.usd_in_time(1e9) == inf


def test_definition_asks_for_what_was_drawn():
    asked = new_cluster(SPEC, ColdShape(2, is_spot=True, disk_gib=250), Cloud.AWS)
    cluster = MACHINERY.cluster(asked)
    assert (cluster.autoscale.min_workers, cluster.autoscale.max_workers) == (2, 4)
    assert cluster.is_spot_worker(0)
    assert (cluster.disks.count, cluster.disks.gib) == (1, 250)


def test_definition_on_azure_buys_spot_in_azures_words():
    asked = new_cluster(ClusterSpec("Standard_D8s_v3", 2), ColdShape(is_spot=True), Cloud.AZURE)
    assert asked["azure_attributes"]["availability"] == "SPOT_WITH_FALLBACK_AZURE"
    assert machinery_of(Cloud.AZURE).cluster(asked).is_spot_worker(0)
