"""The vault on real Spark: applications are run, distilled, kept, and run again simulated."""

import json
import sys

import pytest

from isocost.cli.app import main
from isocost.domain.cluster import NodeType
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.growth import scaled
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.simulate import simulate

pytestmark = pytest.mark.spark
NODE = NodeType("m5.2xlarge", 8, 32.0, 0.384, coremark=115_791.0, network_gbps=2.5)
# One of TPC-H, one that caches, one in Python.
NAMES = ("tpch/q3", "iterative/cached-reads", "python/row-udf")


@pytest.fixture
def record(tmp_path, tpcds_cache, monkeypatch, capsys):
    """Return a function that records applications and returns what the command printed."""
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ISOCOST_CACHE", str(tpcds_cache))
    monkeypatch.setenv("ISOCOST_SPARK_LOCAL_SCALE_FACTOR", "0.01")

    def run(*names):
        monkeypatch.setattr(sys, "argv", ["isocost", "bank", "vault", "record", *names, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code == 0, told.err
        return json.loads(told.out)

    return run


def test_recorded_applications_run_on_a_simulated_cluster_at_another_size(record, tmp_path):
    first = record(*NAMES)
    assert [row["name"] for row in first["recorded"]] == [*NAMES]
    assert record(*NAMES)["skipped"] == [*NAMES]
    kept = {r.name: r for r in shelf.own(tmp_path / "home" / "vault" / shelf.FILE_NAME)}
    for recording in kept.values():
        assert recording.provenance.scale_factor == 0.01
        cluster = SimulatedCluster(NODE, 4, NODE)
        run = simulate(scaled(recording, 50.0), cluster, RunConditions(), seed=1)
        assert run.failure is None
    cached = kept["iterative/cached-reads"].workload.stages
    assert sum(stage.cached_bytes for stage in cached) > 0
    assert sum(stage.cache_source_id is not None for stage in cached) >= 8
    assert kept["python/row-udf"].workload.stages[0].photon_fraction == 0.0
