"""A cluster becomes Spark's settings: memory split, parallelism, loopback, one directory."""

from pathlib import Path

import pytest

from isocost.domain.cluster import NodeType
from isocost.platforms.spark_local.settings import executor_heap_mib, master, spark_settings

NODE = NodeType("local-2c-2g", 2, 2.0, 0.1)
RUN = Path("/runs/r-1")


@pytest.mark.parametrize(("gib", "heap_mib"), [(1.0, 640), (2.0, 1664), (8.0, 8192 - 819)])
def test_heap_leaves_what_a_jvm_needs_beside_it(gib, heap_mib):
    assert executor_heap_mib(gib) == heap_mib


def test_master_names_the_whole_workers():
    assert master(NODE, 3) == "local-cluster[3,2,2048]"


def test_executor_takes_a_whole_worker():
    settings = spark_settings(NODE, 1, RUN)
    assert settings["spark.executor.memory"] == "1664m"
    assert "spark.executor.cores" not in settings


def test_executor_sees_only_its_workers_cores():
    options = spark_settings(NODE, 1, RUN)["spark.executor.extraJavaOptions"]
    assert "-XX:ActiveProcessorCount=2" in options


def test_work_is_the_same_on_each_cluster():
    small = spark_settings(NodeType("local-1c-1g", 1, 1.0, 0.1), 1, RUN)
    large = spark_settings(NODE, 4, RUN)
    for name in ("spark.default.parallelism", "spark.sql.shuffle.partitions"):
        assert small[name] == large[name]


def test_every_path_lies_in_the_run_directory():
    paths = [v for v in spark_settings(NODE, 1, RUN).values() if "/" in v]
    assert len(paths) >= 4
    assert all(str(RUN) in value for value in paths)
