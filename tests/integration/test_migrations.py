"""Migrations on both databases: what they make is what the code expects, and rows come through."""

from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from isocost.store.sql.migrate import migrate, take_back
from isocost.store.sql.store import SqlStore
from isocost.store.sql.tables import METADATA
from isocost.testing.nouns import LARGE, SMALL, a_project, a_run
from isocost.testing.store_questions_suite import DATA, an_execution


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "isocost.db"
    return request.getfixturevalue("postgres").a_database()


def differences(connection):
    return compare_metadata(MigrationContext.configure(connection), METADATA)


def described(connection):
    """What a database says of its tables, by table."""
    inspector = sa.inspect(connection)
    return {
        table: (
            sorted(
                (c["name"], str(c["type"]), c["nullable"], c["default"])
                for c in inspector.get_columns(table)
            ),
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (i["name"], tuple(i["column_names"]), bool(i["unique"]))
                for i in inspector.get_indexes(table)
            ),
            sorted(
                (tuple(f["constrained_columns"]), f["referred_table"])
                for f in inspector.get_foreign_keys(table)
            ),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_all_migrations_make_the_schema_that_the_code_expects(where):
    with closing(SqlStore(where)) as store, store._database.reading() as connection:
        assert differences(connection) == []


def test_all_migrations_and_a_fresh_schema_are_the_same(where):
    with closing(SqlStore(where)) as store, store._database.writing() as connection:
        migrated = described(connection)
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        assert described(connection) == migrated


def test_migrations_can_be_taken_back_and_applied_again(where):
    with closing(SqlStore(where)) as store:
        with store._database.writing() as connection:
            take_back(connection, revision="base")
            assert described(connection) == {}
        with store._database.writing() as connection:
            migrate(connection)
            assert differences(connection) == []


def test_every_reference_has_an_index(where):
    # Without one, removing a row reads the whole table that may refer to it.
    with closing(SqlStore(where)) as store, store._database.reading() as connection:
        for table, (_, key, indexes, references) in described(connection).items():
            indexed = [tuple(key), *(columns for _, columns, _ in indexes)]
            for columns, _ in references:
                assert any(i[: len(columns)] == columns for i in indexed), (table, columns)


def test_runs_stored_before_there_was_a_time_column_are_found_by_it(where):
    with closing(SqlStore(where)) as store:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(a_run())
        with store._database.writing() as connection:
            take_back(connection, revision="0002")
            migrate(connection)
            column = METADATA.tables["runs"].c.requested_at
            assert connection.scalar(sa.select(column)).isoformat()[:16] == "2026-03-01T06:00"


def questions(tx):
    """What a store answers by columns that came with 0005."""
    return (
        tx.tallies(["p-1"]),
        tx.costs_of(["p-1-0"]),
        tx.newest_execution_of_each(["p-1"], is_failed=True),
        tx.newest_explained_run_of_each(["p-1"]),
        tx.runs_elsewhere("p-1", "main", not_on=SMALL, newest=9),
        tx.runs_elsewhere("p-1", "main", not_on=LARGE, newest=9),
    )


def test_rows_stored_before_there_were_bounded_questions_answer_them(where):
    with closing(SqlStore(where)) as store:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_execution(an_execution("p-1", 0))
            tx.put_execution(an_execution("p-1", 1, is_success=False))
            run = a_run(execution_id="p-1-0", cluster_key="main", deviation=DATA, asked_spec=LARGE)
            tx.put_run(run)
            tx.put_run(a_run("r-2", ordinal=1, cluster_key="main"))
            before = questions(tx)
        with store._database.writing() as connection:
            take_back(connection, revision="0004")
            migrate(connection)
        with store.transaction(read_only=True) as tx:
            assert questions(tx) == before
        assert all(before[:5])
        assert before[5] == []
