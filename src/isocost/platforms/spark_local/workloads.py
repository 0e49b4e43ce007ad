"""The catalogue of what this platform runs: one table, name → application; and the demo's pick."""

from collections.abc import Mapping

from isocost.platforms.spark_local.applications import etl, events, loops, ml, python, rdd, sql
from isocost.platforms.spark_local.applications.context import Application
from isocost.platforms.spark_local.data import Benchmark

APPLICATIONS: Mapping[str, Application] = {
    **{f"tpcds/q{number}": sql.queries([number]) for number in range(1, 100)},
    "reports/nightly": sql.queries([3, 7, 19, 42, 55]),
    "reports/returns": sql.queries([1, 30, 81]),
    **{f"tpch/q{n}": sql.queries([n], benchmark="tpch") for n in range(1, 23)},
    "sql/cube": sql.cube,
    "sql/sort-write": sql.sort_write,
    "sql/skewed-aggregation": events.skewed_aggregation,
    "rdd/sort": rdd.sort,
    "rdd/word-count": python.word_count,
    "python/row-udf": python.row_udf,
    "iterative/pagerank": rdd.pagerank,
    "iterative/cached-reads": loops.cached_reads,
    "iterative/connected-components": loops.connected_components,
    "driver/loop": loops.driver_loop,
    "driver/many-small-stages": loops.many_small_stages,
    "ml/kmeans": ml.kmeans,
    "ml/logistic-regression": ml.logistic_regression,
    "ml/gradient-boosted-trees": ml.gradient_boosted_trees,
    "etl/wide-join-write": etl.wide_join_write,
    "etl/sessionization": events.sessionize,
    "etl/deduplication": events.deduplicate,
    "etl/incremental-merge": events.merge,
    "etl/reformat": events.reformat,
}

# Applications outside `tpch/` that read TPC-H's tables.
_ON_TPCH = ("sql/sort-write", "rdd/word-count")

# Several shapes, 10 to 16 s on one core, more than half of it in spark tasks: 24 runs of them fit
# into the eight minutes that a demo may take, even on a machine a third slower.
DEMO_WORKLOADS = (
    "reports/nightly",
    "tpcds/q22",
    "tpcds/q95",
    "rdd/sort",
    "ml/kmeans",
    "etl/wide-join-write",
)


def benchmark_of(workload: str) -> Benchmark:
    """Return whose data set an application reads."""
    is_tpch = workload.startswith("tpch/") or workload in _ON_TPCH
    return Benchmark.TPCH if is_tpch else Benchmark.TPCDS
