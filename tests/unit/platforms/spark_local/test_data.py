"""Standard SQL becomes Spark's; DuckDB's types become Spark's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.platforms.spark_local.data import Benchmark, data_set, spark_sql
from isocost.platforms.spark_local.generate import spark_type
from isocost.platforms.spark_local.workloads import benchmark_of


def test_quoted_names_get_backticks():
    assert spark_sql('SELECT 1 AS "30 days"') == "SELECT 1 AS `30 days`"


def test_double_quotes_within_strings_stay():
    assert spark_sql("""SELECT 'a "b" c', 'it''s "x"'""") == """SELECT 'a "b" c', 'it''s "x"'"""


@given(st.text(alphabet=st.characters(exclude_characters="\"'")))
def test_text_without_quotes_is_unchanged(text):
    assert spark_sql(text) == text


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("INTEGER", "INT"),
        ("VARCHAR", "STRING"),
        ("DATE", "DATE"),
        ("DECIMAL(7,2)", "DECIMAL(7,2)"),
    ],
)
def test_types_are_translated(duckdb, spark):
    assert spark_type(duckdb) == spark


def test_each_scale_factor_has_its_own_directory(tmp_path):
    assert data_set(tmp_path, 1.0).directory != data_set(tmp_path, 0.01).directory


def test_each_benchmark_has_its_own_data(tmp_path):
    of_tpch = data_set(tmp_path, 1.0, Benchmark.TPCH)
    assert of_tpch.directory != data_set(tmp_path, 1.0).directory


@pytest.mark.parametrize(
    ("workload", "benchmark"),
    [
        ("tpcds/q1", Benchmark.TPCDS),
        ("tpch/q1", Benchmark.TPCH),
        ("rdd/word-count", Benchmark.TPCH),
        ("etl/sessionization", Benchmark.TPCDS),
    ],
)
def test_workload_reads_the_data_of_its_benchmark(workload, benchmark):
    assert benchmark_of(workload) is benchmark
