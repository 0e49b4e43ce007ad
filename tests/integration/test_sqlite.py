"""What is true of the SQL store alone: files, migrations, several processes."""

import sqlite3
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from isocost.errors import InvalidInput
from isocost.store.sql.store import SqlStore
from isocost.store.sql.tables import METADATA
from isocost.testing.nouns import a_project


def test_what_was_stored_survives_a_restart(tmp_path):
    first = SqlStore(tmp_path / "isocost.db")
    with first.transaction() as tx:
        tx.put_project(a_project())
    first.close()
    second = SqlStore(tmp_path / "isocost.db")
    with second.transaction() as tx:
        assert tx.project("p-1") == a_project()
    second.close()


def test_migrations_make_the_schema_that_the_code_expects(tmp_path):
    store = SqlStore(tmp_path / "isocost.db")
    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    store.close()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "isocost.db"
    path.write_text("this is not a database, and long enough to be told apart from one" * 20)
    with pytest.raises(InvalidInput, match="ISOCOST_HOME"):
        SqlStore(path)
    assert path.read_text().startswith("this is not")


def test_a_reader_is_not_held_up_by_a_writer(tmp_path):
    store = SqlStore(tmp_path / "isocost.db")
    with store.transaction() as tx:
        tx.put_project(a_project())
        other = sqlite3.connect(tmp_path / "isocost.db", timeout=0)
        assert other.execute("select count(*) from projects").fetchone() == (0,)
        other.close()
    store.close()


def test_two_stores_on_one_file_wait_for_each_other(tmp_path):
    stores = [SqlStore(tmp_path / "isocost.db") for _ in range(2)]

    def write(store, prefix):
        for n in range(20):
            with store.transaction() as tx:
                tx.put_project(a_project(f"{prefix}-{n}"))

    threads = [threading.Thread(target=write, args=(s, i)) for i, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores[0].transaction() as tx:
        assert tx.project("0-19").project_id == "0-19"
        assert tx.project("1-19").project_id == "1-19"
    for store in stores:
        store.close()
