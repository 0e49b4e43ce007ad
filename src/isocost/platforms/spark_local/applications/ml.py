"""Small model fits with pyspark.ml: one scan, then passes over cached vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isocost.platforms.spark_local.applications.context import SEED, ApplicationContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEATURES = ("ss_quantity", "ss_wholesale_cost", "ss_list_price", "ss_sales_price", "ss_coupon_amt")
CLUSTER_COUNT = 8
ITERATIONS = 10


def kmeans(context: ApplicationContext) -> None:
    """Group the store sales by quantity and prices."""
    from pyspark.ml.clustering import KMeans

    vectors = _labelled_vectors(context).cache()
    KMeans(k=CLUSTER_COUNT, maxIter=ITERATIONS, tol=0.0, seed=SEED).fit(vectors)


def logistic_regression(context: ApplicationContext) -> None:
    """Learn from quantity and prices which sales earn a profit."""
    from pyspark.ml.classification import LogisticRegression

    vectors = _labelled_vectors(context).cache()
    LogisticRegression(maxIter=ITERATIONS, tol=0.0, regParam=0.01).fit(vectors)


def _labelled_vectors(context: ApplicationContext) -> DataFrame:
    """Return the columns `features` (a vector of 5) and `label` (1.0 for a profit, else 0.0)."""
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql.functions import col

    profit = (col("ss_net_profit") > 0).cast("double").alias("label")
    numbers = [col(name).cast("double").alias(name) for name in FEATURES]
    sales = context.table("store_sales").na.drop(subset=[*FEATURES, "ss_net_profit"])
    assembler = VectorAssembler(inputCols=list(FEATURES), outputCol="features")
    return assembler.transform(sales.select(*numbers, profit)).select("features", "label")
