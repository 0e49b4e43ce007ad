"""TPC-DS queries as applications: one query each, or a report of several in sequence."""

from collections.abc import Sequence

from isocost.platforms.spark_local.applications.context import (
    Application,
    ApplicationContext,
    compute,
)


def queries(numbers: Sequence[int]) -> Application:
    """Return the application that runs these TPC-DS queries one after another."""

    def run(context: ApplicationContext) -> None:
        for number in numbers:
            text = context.data.query(number)
            context.name_tables(text)
            context.spark.sparkContext.setJobDescription(f"tpcds q{number}")
            compute(context.spark.sql(text))

    return run
