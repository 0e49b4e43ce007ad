"""The catalogue of what this platform runs: one table, name → application; and the demo's pick."""

from collections.abc import Mapping

from isocost.platforms.spark_local.applications import etl, ml, rdd, sql
from isocost.platforms.spark_local.applications.context import Application

APPLICATIONS: Mapping[str, Application] = {
    **{f"tpcds/q{number}": sql.queries([number]) for number in range(1, 100)},
    "tpcds/nightly-report": sql.queries([3, 7, 19, 42, 55]),
    "tpcds/returns-report": sql.queries([1, 30, 81]),
    "rdd/sort": rdd.sort,
    "iterative/pagerank": rdd.pagerank,
    "ml/kmeans": ml.kmeans,
    "ml/logistic-regression": ml.logistic_regression,
    "etl/wide-join-write": etl.wide_join_write,
}

# Several shapes, 10 to 16 s on one core, more than half of it in spark tasks: 24 runs of them fit
# into the eight minutes that a demo may take, even on a machine a third slower.
DEMO_WORKLOADS = (
    "tpcds/nightly-report",
    "tpcds/q22",
    "tpcds/q95",
    "rdd/sort",
    "ml/kmeans",
    "etl/wide-join-write",
)
