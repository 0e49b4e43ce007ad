"""What every application is handed: a session, a data set, and a place to write to.

The modules here import pyspark only where they run, so that the names of the applications can be
listed quickly, and without the extra `spark`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isocost.platforms.spark_local.data import TableData

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Every generator of chance in an application starts here: the same work on every run.
SEED = 42


@dataclass(frozen=True, slots=True)
class ApplicationContext:
    """The session and the data of one run.

    Attributes:
        output: a directory of this run alone; deleted when the run has ended.
    """

    spark: SparkSession
    data: TableData
    output: Path

    def table(self, name: str) -> DataFrame:
        """Return a table of the data set; reads no row and starts no spark job."""
        schema = self.data.schemas()[name]
        return self.spark.read.schema(schema).parquet(str(self.data.table_directory(name)))

    def name_tables(self, sql: str) -> None:
        """Make the tables that the text mentions known by their names."""
        words = set(re.findall(r"\w+", sql.lower()))
        for table in self.data.schemas():
            if table in words:
                self.table(table).createOrReplaceTempView(table)


Application = Callable[[ApplicationContext], None]


def compute(frame: DataFrame) -> None:
    """Compute every row and column of `frame` and keep nothing.

    Spark's `noop` sink: unlike `count()` it lets no column be pruned, and unlike `collect()` it
    moves nothing to the driver.
    """
    frame.write.format("noop").mode("overwrite").save()
