"""Small model fits with pyspark.ml: one scan, then passes over cached vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isocost.platforms.spark_local.applications.context import SEED, ApplicationContext
from isocost.platforms.spark_local.settings import PARALLELISM

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Column names of TPC-DS's sales tables without the table's prefix.
FEATURES = ("quantity", "wholesale_cost", "list_price", "sales_price", "coupon_amt")
# Half of the sales: quantities are spread evenly from 1 to 100.
MOST_PIECES = 50
SALES = {"ss": "store_sales", "ws": "web_sales"}
CLUSTER_COUNT = 6
KMEANS_ITERATIONS = 5
REGRESSION_ITERATIONS = 10


def kmeans(context: ApplicationContext) -> None:
    """Group the web sales by quantity and prices."""
    from pyspark.ml.clustering import KMeans

    vectors = _labelled_vectors(context, "ws").cache()
    KMeans(k=CLUSTER_COUNT, maxIter=KMEANS_ITERATIONS, tol=0.0, seed=SEED).fit(vectors)


def logistic_regression(context: ApplicationContext) -> None:
    """Learn from quantity and prices which sales earn a profit."""
    from pyspark.ml.classification import LogisticRegression

    vectors = _labelled_vectors(context, "ss").cache()
    LogisticRegression(maxIter=REGRESSION_ITERATIONS, tol=0.0, regParam=0.01).fit(vectors)


def _labelled_vectors(context: ApplicationContext, prefix: str) -> DataFrame:
    """Return the columns `features` (a vector of 5) and `label` (1.0 for a profit, else 0.0).

    Spread evenly over the spark tasks before they are cached: the files of a table are not equal.
    """
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql.functions import col

    profit = (col(f"{prefix}_net_profit") > 0).cast("double").alias("label")
    numbers = [col(f"{prefix}_{name}").cast("double").alias(name) for name in FEATURES]
    sales = context.table(SALES[prefix]).where(col(f"{prefix}_quantity") <= MOST_PIECES)
    assembler = VectorAssembler(inputCols=list(FEATURES), outputCol="features")
    rows = sales.select(*numbers, profit).na.drop().repartition(PARALLELISM)
    return assembler.transform(rows).select("features", "label")
