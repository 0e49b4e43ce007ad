"""Extract, transform, load: wide rows through joins into Parquet files."""

from isocost.platforms.spark_local.applications.context import ApplicationContext

# A tenth of TPC-DS's five years: writing wide rows is the slowest thing Spark does here.
YEAR, LAST_MONTH = 2001, 7


def wide_join_write(context: ApplicationContext) -> None:
    """Join some months' catalog sales with their dimensions and write them by month of sale."""
    from pyspark.sql.functions import col

    in_time = (col("d_year") == YEAR) & (col("d_moy") <= LAST_MONTH)
    dates = context.table("date_dim").where(in_time)
    items = context.table("item").drop("i_rec_start_date", "i_rec_end_date")
    wide = (
        context
        .table("catalog_sales")
        .join(dates.select("d_date_sk", "d_moy"), col("cs_sold_date_sk") == col("d_date_sk"))
        .join(items, col("cs_item_sk") == col("i_item_sk"))
        .join(context.table("customer"), col("cs_bill_customer_sk") == col("c_customer_sk"))
        .withColumn("margin", col("cs_net_profit") / col("cs_net_paid"))
    )
    by_month = wide.repartition("d_moy").write.partitionBy("d_moy")
    by_month.mode("overwrite").parquet(str(context.output / "wide_sales"))
