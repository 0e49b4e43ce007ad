"""A benchmark's queries as applications: one query each, or a report of several in sequence."""

from collections.abc import Sequence

from isocost.platforms.spark_local.applications.context import (
    Application,
    ApplicationContext,
    compute,
)


def queries(numbers: Sequence[int], *, benchmark: str = "tpcds") -> Application:
    """Return the application that runs these queries of its data set one after another."""

    def run(context: ApplicationContext) -> None:
        for number in numbers:
            text = context.data.query(number)
            context.name_tables(text)
            context.spark.sparkContext.setJobDescription(f"{benchmark} q{number}")
            compute(context.spark.sql(text))

    return run


def cube(context: ApplicationContext) -> None:
    """Sum up sales over every combination of four dimensions, with distinct counts."""
    from pyspark.sql.functions import col, count_distinct
    from pyspark.sql.functions import sum as total

    items = context.table("item").select("i_item_sk", "i_category", "i_class")
    dates = context.table("date_dim").select("d_date_sk", "d_year", "d_qoy")
    sales = (
        context
        .table("web_sales")
        .join(items, col("ws_item_sk") == col("i_item_sk"))
        .join(dates, col("ws_sold_date_sk") == col("d_date_sk"))
    )
    summed = sales.cube("i_category", "i_class", "d_year", "d_qoy")
    compute(summed.agg(total("ws_net_paid"), count_distinct("ws_bill_customer_sk")))


def sort_write(context: ApplicationContext) -> None:
    """Sort a large table by several columns into files that together are in order."""
    ordered = context.table("lineitem").orderBy("l_shipdate", "l_partkey", "l_orderkey")
    ordered.write.mode("overwrite").parquet(str(context.output / "sorted"))
