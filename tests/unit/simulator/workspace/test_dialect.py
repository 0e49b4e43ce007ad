"""Databricks SQL as DuckDB takes it."""

from datetime import UTC, datetime

import pytest

from isocost.simulator.workspace.dialect import NotReading, translate

NOW = datetime(2026, 1, 5, 6, 7, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1;", "SELECT 1"),
        ('SELECT "it\'s"', "SELECT 'it''s'"),
        ("SELECT `a b`", 'SELECT "a b"'),
        ("SELECT ':x', \"now()\", x::INT", "SELECT ':x', 'now()', x::INT"),
        ("SELECT now()", "SELECT TIMESTAMP '2026-01-05 06:07:08'"),
        ("SELECT current_date", "SELECT DATE '2026-01-05'"),
        ("SELECT * FROM `system`.`billing`.usage", "SELECT * FROM system_tables.billing.usage"),
        ("SELECT mysystem.billing.usage", "SELECT mysystem.billing.usage"),
        ("SELECT 1 -- now()", "SELECT 1 -- now()"),
    ],
)
def test_statement_becomes(statement, expected):
    assert translate(statement, [], NOW).text == expected


def test_parameters_keep_their_types_and_unused_ones_are_left_out():
    given = [
        {"name": "n", "value": "5", "type": "BIGINT"},
        {"name": "t", "value": "2026-01-01", "type": "TIMESTAMP"},
        {"name": "unused", "value": "x"},
    ]
    found = translate("SELECT :n, :t", given, NOW)
    assert found.text == "SELECT CAST($n AS BIGINT), CAST($t AS TIMESTAMP)"
    assert found.parameters == {"n": 5, "t": "2026-01-01"}


def test_tables_are_named():
    found = translate("SELECT * FROM system.billing.usage, SYSTEM.Compute.Clusters", [], NOW)
    assert found.tables == {"billing.usage", "compute.clusters"}


@pytest.mark.parametrize("statement", ["", "DROP TABLE x", "INSERT INTO x SELECT 1", "SET a = 1"])
def test_only_reading_is_taken(statement):
    with pytest.raises(NotReading):
        translate(statement, [], NOW)
