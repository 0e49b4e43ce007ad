"""Applications on the RDD interface: their spark tasks are Python, beside the executor's JVM."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise

from isocost.platforms.spark_local.applications.context import ApplicationContext

# The records of the sort benchmark (10 bytes of key in 100 bytes of record), spread over 8 spark
# tasks: 9 s of work for one core, sampling pass included.
SORT_RECORDS = 900_000
SORT_PARTITIONS = 8

PAGE_COUNT = 30_000
LINKS_PER_PAGE = 8
PAGERANK_PARTITIONS = 8
PAGERANK_ITERATIONS = 4
# Brin and Page (1998): "We usually set d to 0.85".
DAMPING = 0.85


def sort(context: ApplicationContext) -> None:
    """Sort records by key through one shuffle and check the order of the result."""
    spark_context = context.spark.sparkContext
    numbers = spark_context.range(0, SORT_RECORDS, 1, SORT_PARTITIONS)
    records = numbers.map(record)
    # pyspark's stub asks for keys that compare with anything; bytes compare with bytes alone.
    ordered = records.sortBy(key_of, numPartitions=SORT_PARTITIONS)  # type: ignore[type-var]
    spans = [span for span in ordered.mapPartitions(first_and_last).collect() if span]
    if any(left[1] > right[0] for left, right in pairwise(spans)):
        raise AssertionError("The partitions of the sorted RDD overlap.")


def record(number: int) -> tuple[bytes, bytes]:
    """Return a record of 100 bytes whose key looks random and depends on `number` alone."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=50).digest()
    return digest[:10], digest[10:] + digest


def key_of(pair: tuple[bytes, bytes]) -> bytes:
    """Return what the records are sorted by."""
    return pair[0]


def first_and_last(records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the first and the last key of a partition, nothing for an empty one."""
    keys = [key for key, _ in records]
    if keys:
        yield keys[0], keys[-1]


def pagerank(context: ApplicationContext) -> None:
    """Rank the pages of a fixed random graph: a join and a sum over cached links, repeatedly."""
    spark_context = context.spark.sparkContext
    pages = spark_context.range(0, PAGE_COUNT, 1, PAGERANK_PARTITIONS)
    links = pages.map(outgoing).partitionBy(PAGERANK_PARTITIONS).cache()
    ranks = links.mapValues(lambda _: 1.0)
    for _ in range(PAGERANK_ITERATIONS):
        given = links.join(ranks).flatMap(contributions)
        summed = given.reduceByKey(lambda a, b: a + b, PAGERANK_PARTITIONS)
        ranks = summed.mapValues(lambda rank: 1 - DAMPING + DAMPING * rank)
    ranks.values().sum()


def outgoing(page: int) -> tuple[int, list[int]]:
    """Return the page and those it links to; low numbers are linked to more often."""
    digest = hashlib.blake2b(page.to_bytes(8, "big"), digest_size=4 * LINKS_PER_PAGE).digest()
    draws = [int.from_bytes(digest[4 * n : 4 * n + 4], "big") for n in range(LINKS_PER_PAGE)]
    return page, [draw * draw // 2**32 * PAGE_COUNT // 2**32 for draw in draws]


def contributions(entry: tuple[int, tuple[list[int], float]]) -> Iterator[tuple[int, float]]:
    """Yield what a page passes on to each of those it links to."""
    _, (targets, rank) = entry
    for target in targets:
        yield target, rank / len(targets)
