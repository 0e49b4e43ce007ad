"""Small model fits with pyspark.ml: one scan, then passes over cached vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isocost.platforms.spark_local.applications.context import SEED, ApplicationContext
from isocost.platforms.spark_local.settings import PARALLELISM

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEATURES = ("ws_quantity", "ws_wholesale_cost", "ws_list_price", "ws_sales_price", "ws_coupon_amt")
# Half of the sales: quantities are spread evenly from 1 to 100.
MOST_PIECES = 50
CLUSTER_COUNT = 6
KMEANS_ITERATIONS = 4
REGRESSION_ITERATIONS = 10
TREE_ROUNDS, TREE_DEPTH = 4, 4


def kmeans(context: ApplicationContext) -> None:
    """Group the web sales by quantity and prices."""
    from pyspark.ml.clustering import KMeans

    vectors = _labelled_vectors(context).cache()
    estimator = KMeans(k=CLUSTER_COUNT, maxIter=KMEANS_ITERATIONS, tol=0.0, seed=SEED)
    estimator.setInitMode("random").fit(vectors)


def logistic_regression(context: ApplicationContext) -> None:
    """Learn from quantity and prices which web sales earn a profit."""
    from pyspark.ml.classification import LogisticRegression

    vectors = _labelled_vectors(context).cache()
    LogisticRegression(maxIter=REGRESSION_ITERATIONS, tol=0.0, regParam=0.01).fit(vectors)


def gradient_boosted_trees(context: ApplicationContext) -> None:
    """Learn the same as `logistic_regression` by a few trees, each from what others left."""
    from pyspark.ml.classification import GBTClassifier

    vectors = _labelled_vectors(context).cache()
    GBTClassifier(maxIter=TREE_ROUNDS, maxDepth=TREE_DEPTH, seed=SEED).fit(vectors)


def _labelled_vectors(context: ApplicationContext) -> DataFrame:
    """Return the columns `features` (a vector of 5) and `label` (1.0 for a profit, else 0.0).

    Spread evenly over the spark tasks before they are cached: the files of a table are not equal.
    """
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql.functions import col

    profit = (col("ws_net_profit") > 0).cast("double").alias("label")
    numbers = [col(name).cast("double").alias(name) for name in FEATURES]
    sales = context.table("web_sales").where(col("ws_quantity") <= MOST_PIECES)
    rows = sales.select(*numbers, profit).na.drop().repartition(PARALLELISM)
    assembler = VectorAssembler(inputCols=list(FEATURES), outputCol="features")
    return assembler.transform(rows).select("features", "label")
