"""The shipped vault: complete, small, and every workload of it runs."""

import re
from importlib.resources import files

import pytest

from isocost.domain.cluster import NodeType
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.growth import default_gb, scaled
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.simulate import simulate
from isocost.units import BYTES_PER_MIB

NODE = NodeType("m5.4xlarge", 16, 64.0, 0.768, coremark=231_582.0, network_gbps=5.0)
CLUSTER = SimulatedCluster(NODE, 8, NODE)
NAMES = [recording.name for recording in shelf.shipped()]


def test_all_queries_of_tpcds_and_tpch_are_there():
    assert {f"tpcds/q{n}" for n in range(1, 100)} <= {*NAMES}
    assert {f"tpch/q{n}" for n in range(1, 23)} <= {*NAMES}


def test_other_shapes_are_there():
    others = {name for name in NAMES if not re.match(r"tpc(ds|h)/", name)}
    assert {
        "etl/wide-join-write", "etl/incremental-merge", "etl/sessionization",
        "etl/deduplication", "sql/skewed-aggregation", "rdd/sort", "ml/kmeans",
        "ml/gradient-boosted-trees", "iterative/pagerank", "python/row-udf",
        "driver/many-small-stages", "driver/loop", "iterative/cached-reads",
    } <= others  # fmt: skip


def test_vault_is_small():
    data = files("isocost.jobbank.vault") / "data" / shelf.FILE_NAME
    assert len(data.read_bytes()) < 8 * BYTES_PER_MIB


def test_vault_names_no_place_of_whoever_recorded_it():
    assert not [
        stage.name
        for recording in shelf.shipped()
        for stage in recording.workload.stages
        if re.search(r"[\\]|\.py|/(home|root|tmp|usr|work)\b", stage.name)
    ]


@pytest.mark.parametrize("recording", shelf.shipped(), ids=lambda r: r.name)
def test_workload_says_where_it_was_recorded(recording):
    about = recording.provenance
    assert about.spark_version.startswith("3.5")
    assert about.scale_factor
    assert about.machine
    assert about.runtime_s > 0


@pytest.mark.parametrize("recording", shelf.shipped(), ids=lambda r: r.name)
def test_workload_runs_to_its_end_at_its_default_size(recording):
    workload = scaled(recording, default_gb(recording))
    run = simulate(workload, CLUSTER, RunConditions(), seed=1)
    assert run.failure is None
    assert len(run.spark_jobs) == len(workload.spark_jobs)
