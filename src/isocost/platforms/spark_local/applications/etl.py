"""Extract, transform, load: wide rows through joins into Parquet files."""

from isocost.platforms.spark_local.applications.context import ApplicationContext


def wide_join_write(context: ApplicationContext) -> None:
    """Join the store sales with their dimensions and write them by year of sale."""
    from pyspark.sql.functions import col

    dates = context.table("date_dim").select("d_date_sk", "d_date", "d_year", "d_moy")
    items = context.table("item").drop("i_rec_start_date", "i_rec_end_date")
    wide = (
        context
        .table("store_sales")
        .join(dates, col("ss_sold_date_sk") == col("d_date_sk"))
        .join(items, col("ss_item_sk") == col("i_item_sk"))
        .join(context.table("customer"), col("ss_customer_sk") == col("c_customer_sk"))
        .withColumn("revenue", col("ss_quantity") * col("ss_sales_price"))
    )
    by_year = wide.repartition("d_year", "d_moy").write.partitionBy("d_year")
    by_year.mode("overwrite").parquet(str(context.output / "wide_sales"))
