"""What is true of the store in PostgreSQL alone: a server that refuses, goes away, is shared."""

import os
import subprocess
import sys
import threading
import traceback
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from isocost.errors import Busy, InvalidInput, NotFound, PlatformError
from isocost.store.address import PostgresAddress
from isocost.store.sql.postgres import MOST_CONNECTIONS, PostgresDatabase
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import a_project, a_run, an_experiment
from isocost.testing.postgres import find_programs, postgres_server

PASSWORD = "not-the-right-one"


@pytest.fixture
def address(postgres):
    return postgres.a_database()


@pytest.fixture
def store(address):
    with closing(SqlStore(address)) as opened:
        yield opened


def changed(address, old, new):
    assert old in address.url
    return PostgresAddress(address.url.replace(old, new))


def database_of(address):
    return address.url.rpartition("/")[2]


def refused_when_asked(address, error, message):
    database = PostgresDatabase(address, busy_timeout_s=1, absence_s=0)
    with closing(database), pytest.raises(error, match=message) as refused:
        with database.reading():
            pass
    return refused.value


def kill_connections(postgres, address):
    postgres.execute(
        f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = "
        f"'{database_of(address)}'"
    )


def test_texts_are_sorted_by_bytes_however_the_database_was_made(store):
    with store._database.reading() as connection:
        found = connection.exec_driver_sql(
            "select table_name, column_name from information_schema.columns where table_schema = "
            "current_schema() and data_type = 'character varying' and table_name <> "
            "'alembic_version' and collation_name is distinct from 'C'"
        )
        assert found.all() == []


def test_what_was_stored_survives_a_restart_of_the_server(postgres, store):
    with store.transaction() as tx:
        tx.put_project(a_project())
    postgres.stop()
    postgres.start()
    with store.transaction() as tx:
        assert tx.project("p-1") == a_project()


def test_a_transaction_waits_for_a_server_that_is_gone(postgres, store):
    postgres.stop()
    comeback = threading.Timer(0.5, postgres.start)
    comeback.start()
    try:
        with store.transaction() as tx:
            tx.put_project(a_project())
    finally:
        comeback.join()
    with store.transaction(read_only=True) as tx:
        assert tx.project("p-1") == a_project()


def test_connections_that_were_cut_are_replaced_without_a_wait(postgres, address):
    database = PostgresDatabase(address, busy_timeout_s=1, absence_s=0)
    with closing(database):
        with database.reading():
            pass
        kill_connections(postgres, address)
        with database.reading() as connection:
            assert connection.exec_driver_sql("select 1").scalar() == 1


def write_while_connections_are_cut(store, cut):
    with store.transaction() as tx:
        tx.put_project(a_project())
        cut()
        tx.put_project(a_project(name="renamed"))


def test_a_connection_cut_in_a_transaction_is_told_and_leaves_nothing(postgres, address, store):
    with pytest.raises(PlatformError, match="begun is undone"):
        write_while_connections_are_cut(store, lambda: kill_connections(postgres, address))
    with store.transaction() as tx, pytest.raises(NotFound):
        tx.project("p-1")


def test_a_server_that_is_not_there_is_named_with_the_next_step(postgres, address):
    port = f":{postgres.port}/"
    refused_when_asked(changed(address, port, ":1/"), PlatformError, r"127\.0\.0\.1:1/.*runs")


def test_a_host_that_is_not_there_is_named(address):
    wrong = changed(address, "127.0.0.1", "no-such-host.invalid")
    refused_when_asked(wrong, PlatformError, "no-such-host.*host and port")


def test_a_wrong_password_is_told_and_never_shown(postgres, address):
    wrong = changed(address, postgres.password, PASSWORD)
    with pytest.raises(InvalidInput, match=r"password in ISOCOST_STORAGE_DATABASE") as refused:
        SqlStore(wrong)
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))


def test_a_missing_password_is_told(postgres, address):
    without = changed(address, f":{postgres.password}", "")
    refused_when_asked(without, InvalidInput, "does not let us in")


def test_a_database_that_is_not_there_is_named_with_the_next_step(address):
    with pytest.raises(InvalidInput, match=r"test_no_such.*createdb"):
        SqlStore(changed(address, database_of(address), "test_no_such"))


def test_an_unknown_parameter_is_refused_without_the_password(address):
    wrong = PostgresAddress(f"{address.url}?colour=red&password={PASSWORD}")
    with pytest.raises(InvalidInput, match="parameter") as refused:
        SqlStore(wrong)
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))


def with_new_user(postgres, address, options):
    user = f"user_of_{database_of(address)}"
    postgres.execute(f"create role {user} login password '{PASSWORD}' {options}")
    url = changed(address, postgres.password, PASSWORD).url
    return PostgresAddress(url.replace("//isocost:", f"//{user}:"))


def test_a_user_who_may_make_no_tables_is_told(postgres, address):
    with pytest.raises(InvalidInput, match="right to make and change tables"):
        SqlStore(with_new_user(postgres, address, ""))


def test_a_user_with_too_many_connections_is_busy(postgres, address):
    refused_when_asked(with_new_user(postgres, address, "connection limit 0"), Busy, "no more")


def test_a_database_that_is_only_to_be_read_is_told(postgres, address):
    postgres.execute(f"alter database {database_of(address)} set default_transaction_read_only=on")
    with pytest.raises(InvalidInput, match="server that can be written"):
        SqlStore(address)


def test_a_writer_that_waits_in_vain_is_told_to_try_again(address, store):
    with store.transaction(), closing(SqlStore(address, busy_timeout_s=0.1)) as second:
        with pytest.raises(Busy, match=r"0\.1 s.*Try again"), second.transaction():
            pass


def test_more_readers_than_connections_are_told_to_try_again(address):
    database = PostgresDatabase(address, busy_timeout_s=0.1)
    with ExitStack() as opened:
        opened.callback(database.close)
        for _ in range(MOST_CONNECTIONS):
            opened.enter_context(database.reading())
        with pytest.raises(Busy, match=r"0\.1 s.*less to do"), database.reading():
            pass


def test_a_reader_is_not_held_up_by_a_writer_of_another_store(address, store):
    with store.transaction() as tx:
        tx.put_experiment(an_experiment())
        with closing(SqlStore(address, busy_timeout_s=0.1)) as reader:
            with reader.transaction(read_only=True) as other:
                assert other.experiments() == []


def test_a_reader_sees_one_moment(address, store):
    with closing(SqlStore(address)) as reader, reader.transaction(read_only=True) as before:
        assert before.experiments() == []
        with store.transaction() as tx:
            tx.put_experiment(an_experiment())
        assert before.experiments() == []


def test_stores_in_two_schemas_do_not_wait_for_each_other(postgres, address, store):
    postgres.execute("create schema other", database_of(address))
    other = PostgresAddress(f"{address.url}?options=-csearch_path%3Dother")
    with store.transaction() as tx:
        tx.put_project(a_project())
        with closing(SqlStore(other, busy_timeout_s=0.1)) as second:
            with second.transaction() as apart, pytest.raises(NotFound):
                apart.project("p-1")


def test_a_database_of_a_newer_version_is_refused(postgres, address):
    SqlStore(address).close()
    postgres.execute("update alembic_version set version_num = '9999'", database_of(address))
    with pytest.raises(InvalidInput, match=r"newer version.*9999.*ISOCOST_STORAGE_DATABASE"):
        SqlStore(address)


def test_a_row_that_cannot_be_decoded_names_the_database(postgres, address, store):
    with store.transaction() as tx:
        tx.put_project(a_project())
    postgres.execute("update projects set body = '{}'", database_of(address))
    with pytest.raises(InvalidInput, match=r"Project stored in postgresql://isocost:\*\*\*@"):
        with store.transaction(read_only=True) as tx:
            tx.project("p-1")


def test_a_full_disk_is_named(postgres, address, store):
    postgres.execute(
        "create function refuse() returns trigger language plpgsql as "
        "$$begin raise 'could not extend file' using errcode = 'disk_full'; end$$",
        database_of(address),
    )
    postgres.execute(
        "create trigger refuse before insert on projects execute function refuse()",
        database_of(address),
    )
    with pytest.raises(PlatformError, match=r"could not extend file.*what was stored"):
        with store.transaction() as tx:
            tx.put_project(a_project())


def test_a_server_starts_from_a_folder_that_only_its_owner_may_enter(tmp_path):
    package = find_programs().parents[1]
    tmp_path.chmod(0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        (tmp_path / folder.name).symlink_to(folder)
    programs = tmp_path / find_programs().relative_to(package.parent)
    with postgres_server(programs) as server:
        assert server.execute("select 1") == [(1,)]


def started(address, body):
    """Start a process that opens the store as `store` and then carries out `body`."""
    script = (
        "import os, sys\n"
        "from dataclasses import replace\n"
        "from isocost.store.address import PostgresAddress\n"
        "from isocost.store.sql.store import SqlStore\n"
        "from isocost.testing.nouns import a_project\n"
        "store = SqlStore(PostgresAddress(os.environ['ADDRESS']))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script + body],
        env=os.environ | {"ADDRESS": address.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


COUNT_UP = """
print("ready", flush=True)
sys.stdin.readline()
for _ in range(200):
    with store.transaction() as tx:
        run = tx.run("r-1")
        tx.put_run(replace(run, ordinal=run.ordinal + 1))
"""
WRITE_AND_WAIT = """
with store.transaction() as tx:
    tx.put_project(a_project())
    print("written", flush=True)
    sys.stdin.read()
"""


def test_processes_that_start_at_once_make_the_schema_once(address):
    processes = [started(address, "") for _ in range(4)]
    assert [(p.communicate()[0], p.returncode) for p in processes] == [("", 0)] * 4
    with closing(SqlStore(address)) as store, store.transaction() as tx:
        assert tx.experiments() == []


def test_changes_of_two_processes_are_not_lost(address, store):
    with store.transaction() as tx:
        tx.put_project(a_project())
        tx.put_run(replace(a_run(), ordinal=0))
    processes = [started(address, COUNT_UP) for _ in range(2)]
    assert [p.stdout.readline() for p in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(p.communicate()[0], p.returncode) for p in processes] == [("", 0)] * 2
    with store.transaction() as tx:
        assert tx.run("r-1").ordinal == 400


def test_a_killed_process_leaves_nothing_and_lets_the_next_in(address, store):
    with started(address, WRITE_AND_WAIT) as process:
        assert process.stdout.readline() == "written\n"
        process.kill()
        process.wait()
    with store.transaction() as tx, pytest.raises(NotFound):
        tx.project("p-1")
