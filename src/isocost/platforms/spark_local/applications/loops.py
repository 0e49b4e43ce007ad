"""Applications whose driver loops: many small spark jobs, over cached data or over none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from isocost.platforms.spark_local.applications.context import ApplicationContext, compute
from isocost.platforms.spark_local.settings import PARALLELISM

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Each adds 0.1 to 0.3 s: enough rounds that the loop, not Spark's start, makes the runtime.
SMALL_STAGES = 40
DRIVER_ROUNDS = 25
CACHE_READS = 10
LABEL_ROUNDS = 5
# Rounds of hashing that take the driver some 0.1 s, as deciding on the next step would.
DRIVER_HASHES = 100_000
VERTICES, EDGES_PER_VERTEX = 40_000, 3


def many_small_stages(context: ApplicationContext) -> None:
    """Pass a small RDD through a long chain of shuffles."""
    numbers = context.spark.sparkContext.range(0, 20_000, 1, PARALLELISM)
    pairs = numbers.map(lambda n: (n % 997, n))
    for _ in range(SMALL_STAGES):
        pairs = pairs.reduceByKey(max, PARALLELISM).map(moved)
    pairs.count()


def moved(pair: tuple[int, int]) -> tuple[int, int]:
    """Return the pair under another key, so that the next shuffle has to move it."""
    key, value = pair
    return (key * 31 + 7) % 997, value


def driver_loop(context: ApplicationContext) -> None:
    """Query, collect and think in the driver, again and again: the cluster waits most of it."""
    from pyspark.sql.functions import avg, col

    sales = context.table("web_sales")
    threshold = 0.0
    for round_number in range(DRIVER_ROUNDS):
        part = sales.where(col("ws_quantity") == round_number + 1)
        rows = part.groupBy("ws_item_sk").agg(avg("ws_net_paid").alias("paid")).collect()
        threshold = max([row["paid"] or 0 for row in rows[:100]], default=threshold)
        think(f"{round_number} {threshold}")


def think(text: str) -> str:
    """Return a digest of a digest of …, which keeps one core of the driver busy."""
    digest = text.encode()
    for _ in range(DRIVER_HASHES):
        digest = hashlib.blake2b(digest).digest()
    return digest.hex()


def cached_reads(context: ApplicationContext) -> None:
    """Cache a join once and read it many times, grouped by another column each time."""
    from pyspark.sql.functions import col
    from pyspark.sql.functions import sum as total

    items = context.table("item").select("i_item_sk", "i_category", "i_brand", "i_manager_id")
    sales = context.table("catalog_sales").select(
        "cs_item_sk", "cs_warehouse_sk", "cs_ship_mode_sk", "cs_promo_sk", "cs_net_paid"
    )
    joined = sales.join(items, col("cs_item_sk") == col("i_item_sk")).cache()
    columns = ("i_category", "i_brand", "i_manager_id", "cs_warehouse_sk", "cs_ship_mode_sk")
    for read in range(CACHE_READS):
        by = columns[read % len(columns)]
        compute(joined.groupBy(by, "cs_promo_sk").agg(total("cs_net_paid")))
    joined.unpersist()


def connected_components(context: ApplicationContext) -> None:
    """Spread the smallest label over a graph's edges, with the labels cached in each round."""
    from pyspark.sql.functions import col, least
    from pyspark.sql.functions import min as smallest

    edges = _edges(context).cache()
    labels = context.spark.range(0, VERTICES, 1, PARALLELISM).select(
        "id", col("id").alias("label")
    )
    for _ in range(LABEL_ROUNDS):
        heard = edges.join(labels, edges["source"] == labels["id"]).groupBy("target")
        news = heard.agg(smallest("label").alias("heard"))
        joined = labels.join(news, labels["id"] == news["target"], "left")
        labels = joined.select("id", least("label", "heard").alias("label")).cache()
        labels.count()


def _edges(context: ApplicationContext) -> DataFrame:
    """Return the edges of a fixed random graph, each in both directions."""
    pages = context.spark.sparkContext.range(0, VERTICES, 1, PARALLELISM)
    return context.spark.createDataFrame(pages.flatMap(edges_of), "source long, target long")


def edges_of(vertex: int) -> Iterator[tuple[int, int]]:
    """Yield the vertex's edges; they depend on its number alone."""
    digest = hashlib.blake2b(vertex.to_bytes(8, "big"), digest_size=4 * EDGES_PER_VERTEX).digest()
    for n in range(EDGES_PER_VERTEX):
        other = int.from_bytes(digest[4 * n : 4 * n + 4], "big") % VERTICES
        yield vertex, other
        yield other, vertex
