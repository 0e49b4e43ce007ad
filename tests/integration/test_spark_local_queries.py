"""TPC-DS: made whole or not at all, and all 99 queries planned by Spark."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from isocost.errors import PlatformError
from isocost.platforms.spark_local import data, software
from isocost.platforms.spark_local.launch import ChildCommand, run_child

SCALE = 0.01
EXPLAIN = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from isocost.platforms.spark_local.applications.context import ApplicationContext
from isocost.platforms.spark_local.data import TableData

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
context = ApplicationContext(spark, TableData(Path(sys.argv[1])), Path("."))
for number in range(1, 100):
    text = context.data.query(number)
    context.name_tables(text)
    plan = spark.sql(text)._jdf.queryExecution().executedPlan().toString()
    print(number, "planned" if "Parquet" in plan else plan)
"""


@pytest.fixture
def made(tpcds_cache):
    found = data.data_set(tpcds_cache, SCALE)
    data.make(found, SCALE)
    return found


def test_data_has_all_tables_and_queries(made):
    assert len(made.schemas()) == 24
    assert all(any(made.table_directory(t).glob("*.parquet")) for t in made.schemas())
    assert all(made.query(number) for number in range(1, 100))


def test_nothing_but_the_data_is_left(made):
    left = {p.name for p in made.directory.parent.iterdir() if "running" not in p.name}
    assert left == {made.directory.name, f"{made.directory.name}.lock"}


def test_rows_keep_their_number_and_their_order_of_columns(made):
    files = str(made.table_directory("store_sales") / "*.parquet")
    rows = duckdb.read_parquet(files)
    assert rows.shape[0] > 20_000
    assert [f"`{c}`" for c in rows.columns] == [
        c.split(" ")[0] for c in made.schemas()["store_sales"].split(", ")
    ]


def test_unfinished_data_are_made_anew(tmp_path):
    wanted = data.data_set(tmp_path, SCALE)
    left = wanted.directory.with_name(f"{wanted.directory.name}.unfinished")
    (left / "store_sales").mkdir(parents=True)
    data.make(wanted, SCALE)
    assert len(wanted.schemas()) == 24
    assert not left.exists()


def test_two_callers_at_once_share_one_data_set(tmp_path):
    wanted = data.data_set(tmp_path, SCALE)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: data.make(wanted, SCALE), range(2)))
    assert len(wanted.schemas()) == 24


def test_failed_generator_tells_what_it_said(tmp_path):
    target = data.TableData(tmp_path / "in-the-way")
    (tmp_path / "in-the-way.unfinished").write_text("a file where a directory must go")
    with pytest.raises(PlatformError, match=r"(?s)exit code 1.*NotADirectoryError.*smaller scale"):
        data.make(target, SCALE)


@pytest.mark.spark
def test_spark_plans_all_99_queries(made, tmp_path):
    (tmp_path / "explain.py").write_text(EXPLAIN)
    software.make_spark_home(tmp_path / "home")
    environment = software.spark_environment(tmp_path / "home", tmp_path, python=sys.executable)
    log = tmp_path / "log"
    command = ChildCommand("explain", made.directory, tmp_path, log, os.environ | environment)
    assert run_child(command, time_limit_s=280) == 0, log.read_text()[-2000:]
    planned = [line for line in log.read_text().splitlines() if line.endswith(" planned")]
    assert len(planned) == 99
