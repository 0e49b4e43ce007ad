"""What is true of the SQL store alone: files, migrations, several processes."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from isocost.errors import Busy, InvalidInput, PlatformError
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import a_project, an_experiment


@pytest.fixture
def path(tmp_path):
    return tmp_path / "isocost.db"


def change(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def test_what_was_stored_survives_a_restart(tmp_path):
    first = SqlStore(tmp_path / "isocost.db")
    with first.transaction() as tx:
        tx.put_project(a_project())
    first.close()
    second = SqlStore(tmp_path / "isocost.db")
    with second.transaction() as tx:
        assert tx.project("p-1") == a_project()
    second.close()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "isocost.db"
    path.write_text("this is not a database, and long enough to be told apart from one" * 20)
    with pytest.raises(InvalidInput, match="ISOCOST_HOME"):
        SqlStore(path)
    assert path.read_text().startswith("this is not")


def test_replacing_a_row_leaves_its_key_alone(path):
    # To set it, even to what it is, SQLite looks through every table that refers to it.
    with closing(SqlStore(path)) as store, store.transaction() as tx:
        tx._connection.exec_driver_sql(
            "create trigger kept before update of project_id on projects "
            "begin select raise(abort, 'the key was set'); end"
        )
        tx.put_project(a_project())
        tx.put_project(a_project(name="renamed"))
        assert tx.project("p-1").name == "renamed"


def test_a_reader_is_not_held_up_by_a_writer_of_another_store(path):
    with closing(SqlStore(path)) as writer, writer.transaction() as tx:
        tx.put_experiment(an_experiment())
        with closing(SqlStore(path, busy_timeout_s=0)) as reader:
            with reader.transaction(read_only=True) as other:
                assert other.experiments() == []


def test_a_writer_that_waits_in_vain_is_told_to_try_again(path):
    with closing(SqlStore(path)) as first, first.transaction():
        with closing(SqlStore(path, busy_timeout_s=0.1)) as second:
            with pytest.raises(Busy, match=r"0\.1 s"), second.transaction():
                pass


def test_a_database_locked_before_it_has_a_schema_is_busy(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="Try again"):
            SqlStore(path, busy_timeout_s=0.1)


@pytest.mark.parametrize("name", ["a?b", "a%41b", "a b", "ü", "a#b&mode=ro"])
def test_any_directory_name_will_do(tmp_path, name):
    path = tmp_path / name / "isocost.db"
    SqlStore(path).close()
    assert path.is_file()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_database_of_a_newer_version_is_refused(path):
    SqlStore(path).close()
    change(path, "update alembic_version set version_num = '9999'")
    with pytest.raises(InvalidInput, match=r"newer version.*9999.*Upgrade"):
        SqlStore(path)


@pytest.mark.parametrize("body", [b"{}", b"{", b"\xff", b'{"name": 3}'])
def test_a_row_that_cannot_be_decoded_names_the_file(path, body):
    with closing(SqlStore(path)) as store:
        with store.transaction() as tx:
            tx.put_project(a_project())
        change(path, "update projects set body = ?", body)
        with pytest.raises(InvalidInput, match=r"Project stored in .*isocost\.db"):
            with store.transaction(read_only=True) as tx:
                tx.project("p-1")


def test_a_damaged_page_is_refused_with_the_next_step(path):
    with closing(SqlStore(path)) as store, store.transaction() as tx:
        for n in range(200):
            tx.put_project(a_project(f"p-{n}"))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(InvalidInput, match="good copy"):
        closing(SqlStore(path))


def fill_up(store):
    with store.transaction() as tx:
        tx._connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite's own way to be full
        for n in range(2000):
            tx.put_project(a_project(f"p-{n}"))


def test_a_full_disk_is_named(path):
    with closing(SqlStore(path)) as store:
        with pytest.raises(PlatformError, match="Free some space"):
            fill_up(store)


@pytest.mark.parametrize("home", ["/proc/foo", "/dev/null/foo"])
def test_a_home_that_cannot_be_made_is_named(home):
    with pytest.raises(InvalidInput, match="ISOCOST_HOME"):
        SqlStore(Path(home) / "isocost.db")


def test_a_database_that_cannot_be_opened_is_named(path):
    path.mkdir()
    with pytest.raises(InvalidInput, match="Allow writing"):
        SqlStore(path)


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
