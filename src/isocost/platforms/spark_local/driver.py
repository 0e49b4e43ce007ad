"""The child process of a run: starts Spark, runs one application, writes down how it ended.

Called as `python -m isocost.platforms.spark_local.driver <run directory>/request.json`.
"""

import sys
from pathlib import Path

from isocost.platforms.spark_local import lifeline
from isocost.platforms.spark_local.applications.context import ApplicationContext
from isocost.platforms.spark_local.data import TableData
from isocost.platforms.spark_local.failures import reason
from isocost.platforms.spark_local.request import DriverRequest, write_outcome
from isocost.platforms.spark_local.workloads import APPLICATIONS


def main() -> None:
    """Run the application that the request names; the outcome is the last file written."""
    lifeline.hold()
    path = Path(sys.argv[1])
    request = DriverRequest.read(path)
    write_outcome(path.with_name("outcome.json"), run(request, path.parent))


def run(request: DriverRequest, directory: Path) -> str | None:
    """Run one application to its end; return None, or why it failed."""
    try:
        _run_application(request, directory)
    except Exception as error:  # noqa: BLE001 - applications fail in every way; the parent is told
        return reason(error)
    return None


def _run_application(request: DriverRequest, directory: Path) -> None:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    settings = SparkConf(loadDefaults=False).setAll(list(request.settings.items()))
    spark = SparkSession.builder.appName(request.workload).config(conf=settings).getOrCreate()
    try:
        context = ApplicationContext(spark, TableData(request.data), directory / "scratch")
        APPLICATIONS[request.workload](context)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
