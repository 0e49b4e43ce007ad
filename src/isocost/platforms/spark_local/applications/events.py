"""Pipelines over a stream of sales events: sessions, duplicates, merges, uneven keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isocost.platforms.spark_local.applications.context import ApplicationContext, compute
from isocost.units import S_PER_DAY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# Sales lie days apart, so a week without one ends a visit.
SESSION_GAP_S = 7 * S_PER_DAY
# One event in so many was delivered twice, or comes with the next delta.
DUPLICATE_EVERY, CHANGED_EVERY = 5, 10
# Of all events this part carries one key: the guest customer, the default tenant.
HOT_FRACTION = 0.4


def sessionize(context: ApplicationContext) -> None:
    """Number each customer's sessions by the gaps between events and sum them up."""
    from pyspark.sql import Window
    from pyspark.sql.functions import col, lag, when
    from pyspark.sql.functions import sum as total

    at_s = col("ss_sold_date_sk") * S_PER_DAY + col("ss_sold_time_sk")
    events = context.table("store_sales").select("ss_customer_sk", "ss_net_paid", at_s.alias("at"))
    by_customer = Window.partitionBy("ss_customer_sk").orderBy("at")
    since_s = col("at") - lag("at").over(by_customer)
    is_new = when(since_s.isNull() | (since_s > SESSION_GAP_S), 1).otherwise(0)
    numbered = events.withColumn("is_new", is_new)
    sessions = numbered.withColumn("session", total("is_new").over(by_customer))
    compute(sessions.groupBy("ss_customer_sk", "session").agg(total("ss_net_paid")))


def deduplicate(context: ApplicationContext) -> None:
    """Keep the newest of events that were delivered twice, and write them."""
    from pyspark.sql import Window
    from pyspark.sql.functions import col, lit, row_number

    events = _events(context).withColumn("delivery", lit(1))
    again = events.where(col("ss_ticket_number") % DUPLICATE_EVERY == 0)
    delivered = events.unionByName(again.withColumn("delivery", lit(2)))
    newest = Window.partitionBy("ss_ticket_number", "ss_item_sk").orderBy(col("delivery").desc())
    kept = delivered.withColumn("n", row_number().over(newest)).where(col("n") == 1).drop("n")
    kept.write.mode("overwrite").parquet(str(context.output / "kept"))


def merge(context: ApplicationContext) -> None:
    """Merge a delta of changed and new rows into a table, which is written anew."""
    from pyspark.sql.functions import coalesce, col

    keys = ["ss_ticket_number", "ss_item_sk"]
    target = _events(context)
    changed = target.where(col("ss_ticket_number") % CHANGED_EVERY == 0)
    fresh = changed.withColumn("ss_ticket_number", -col("ss_ticket_number"))
    delta = changed.unionByName(fresh).withColumnRenamed("ss_net_paid", "newer")
    both = target.join(delta.select(*keys, "newer"), keys, "full_outer")
    merged = both.withColumn("ss_net_paid", coalesce("newer", "ss_net_paid")).drop("newer")
    merged.write.mode("overwrite").parquet(str(context.output / "merged"))


def skewed_aggregation(context: ApplicationContext) -> None:
    """Rank the events within keys of which one holds nearly half of them all."""
    from pyspark.sql import Window
    from pyspark.sql.functions import avg, col, rank

    keyed = _events(context).withColumn("key", _uneven_key())
    ranked = keyed.withColumn(
        "place", rank().over(Window.partitionBy("key").orderBy(col("ss_net_paid").desc()))
    )
    compute(ranked.groupBy("key").agg(avg("place"), avg("ss_net_profit")))


def reformat(context: ApplicationContext) -> None:
    """Write a table as packed JSON, as a legacy consumer wants it, and read it back to check."""
    path = str(context.output / "json")
    events = _events(context)
    events.write.mode("overwrite").option("compression", "gzip").json(path)
    compute(context.spark.read.schema(events.schema).json(path).groupBy("ss_store_sk").count())


def _events(context: ApplicationContext) -> DataFrame:
    """Return the sales with the columns that an event would carry."""
    return context.table("store_sales").select(
        "ss_ticket_number",
        "ss_item_sk",
        "ss_customer_sk",
        "ss_store_sk",
        "ss_sold_date_sk",
        "ss_net_paid",
        "ss_net_profit",
    )


def _uneven_key() -> Column:
    from pyspark.sql.functions import abs as absolute
    from pyspark.sql.functions import col, lit, when
    from pyspark.sql.functions import hash as hashed

    # A hash, not chance: the same rows are hot on every run.
    is_hot = absolute(hashed("ss_ticket_number")) % 100 < lit(int(HOT_FRACTION * 100))
    return when(is_hot, lit(-1)).otherwise(col("ss_item_sk"))
