"""Applications whose work is done by Python workers beside the executor's JVM."""

from __future__ import annotations

import hashlib
import re

from isocost.platforms.spark_local.applications.context import ApplicationContext, compute

# A quarter of the months: Python takes some microseconds for each row.
ROWS_EVERY = 4
WORDS = re.compile(r"\w+")


def row_udf(context: ApplicationContext) -> None:
    """Pass rows through a Python function one by one, then group by what it returns."""
    from pyspark.sql.functions import col, count, udf

    bucket = udf(bucket_of, "string")
    rows = context.table("catalog_sales").where(col("cs_order_number") % ROWS_EVERY == 0)
    named = rows.select(bucket("cs_order_number", "cs_item_sk").alias("bucket"), "cs_net_paid")
    compute(named.groupBy("bucket").agg(count("*")))


def bucket_of(order: int | None, item: int | None) -> str:
    """Return a short code for an order's item, as a rule in Python would."""
    return hashlib.blake2b(f"{order}/{item}".encode(), digest_size=2).hexdigest()


def word_count(context: ApplicationContext) -> None:
    """Count the words of all customers' comments, the textbook way."""
    comments = context.table("orders").select("o_comment").rdd
    words = comments.flatMap(lambda row: [(word, 1) for word in WORDS.findall(row["o_comment"])])
    words.reduceByKey(lambda a, b: a + b).count()
