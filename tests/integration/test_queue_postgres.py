"""The queue on a real PostgreSQL: dead workers, absent servers, full disks and other processes."""

import multiprocessing
import os
import re
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from isocost.clock import monotonic_s
from isocost.errors import InvalidInput, Unavailable
from isocost.queue.base import Shift
from isocost.queue.postgres.queue import PostgresQueue
from isocost.queue.postgres.worker import DEFAULT_PACE, Pace
from isocost.testing.queue_suite import (
    an_item,
    done_in,
    empty,
    handlers_in,
    wait_for,
    working,
)

# Four heartbeats and more may be late where the machine is busy; nobody is thought dead for that.
QUICK = Pace(heartbeat_s=0.2, stalled_s=3.0, poll_s=0.05)
PATIENCE_S = 60.0


@pytest.fixture
def address(postgres):
    return postgres.a_database()


@pytest.fixture
def queue(address):
    return PostgresQueue(address.url, name=str(address), pace=QUICK)


def database_of(address):
    return address.url.rpartition("/")[2]


def work(url, folder, concurrency=1):
    """What a worker's process does: works until SIGTERM."""
    shift = Shift(concurrency, threading.Event(), grace_s=0.0)
    signal.signal(signal.SIGTERM, lambda *_: shift.stopping.set())
    PostgresQueue(url, name="the queue", pace=QUICK).work(handlers_in(folder), shift)


@contextmanager
def a_worker(address, folder):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=work, args=(address.url, folder))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def wait_until(is_so, why):
    deadline_s = monotonic_s() + PATIENCE_S
    while not is_so():
        assert monotonic_s() < deadline_s, why
        time.sleep(0.05)


def rows(postgres, address, table):
    return postgres.execute(f"select * from {table}", database_of(address))


def test_item_of_a_killed_worker_is_taken_over(queue, address, tmp_path):
    queue.put([an_item("1", kind="linger")])
    with a_worker(address, tmp_path) as worker:
        wait_for(tmp_path / "began 1")
        os.kill(worker.pid, signal.SIGKILL)
    (tmp_path / "began 1").unlink()
    killed_s = monotonic_s()
    with working(queue, tmp_path, grace_s=0.0):
        wait_for(tmp_path / "began 1")
    assert monotonic_s() - killed_s < PATIENCE_S


def test_takeover_is_within_a_minute_at_the_usual_pace():
    pace = DEFAULT_PACE
    # The rescuer may be as young as the death, and has to hear everybody first.
    assert pace.stalled_s + 2 * pace.heartbeat_s + pace.poll_s < 45
    assert pace.stalled_s >= 4 * pace.heartbeat_s


def test_processes_of_a_killed_worker_end_with_it(queue, address, tmp_path):
    queue.put([an_item("1", kind="linger")])
    with a_worker(address, tmp_path) as worker:
        wait_for(tmp_path / "began 1")
        children = children_of(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    assert children
    wait_until(lambda: not any(map(is_there, children)), "a child outlived its worker")


def children_of(pid):
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for each in threads for child in (each / "children").read_text().split()]


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_worker_that_lives_keeps_an_item_that_takes_long(queue, address, tmp_path):
    queue.put([an_item("1", kind="linger")])
    with a_worker(address, tmp_path):
        wait_for(tmp_path / "began 1")
        (tmp_path / "began 1").unlink()
        with working(queue, tmp_path, grace_s=0.0):
            time.sleep(2 * QUICK.stalled_s)
        assert not (tmp_path / "began 1").exists()


def test_sigterm_hands_the_item_back_and_leaves_nothing_behind(queue, address, tmp_path, postgres):
    queue.put([an_item("1", kind="linger")])
    with a_worker(address, tmp_path) as worker:
        wait_for(tmp_path / "began 1")
        worker.terminate()
        worker.join(PATIENCE_S)
        assert worker.exitcode == 0
    assert (tmp_path / "interrupted 1").exists()
    assert queue.backlog("g").waiting == 1
    assert rows(postgres, address, "procrastinate_workers") == []


def test_worker_waits_for_a_server_that_is_gone_and_goes_on(postgres, queue, tmp_path):
    queue.put([an_item("1")])
    with working(queue, tmp_path):
        wait_for(tmp_path / "done")
        postgres.stop()
        time.sleep(2 * QUICK.stalled_s)
        postgres.start()
        queue.put([an_item("2")])
        wait_until(lambda: done_in(tmp_path) == ["1", "2"], "it did not go on")


def test_item_under_way_outlasts_an_absence_of_the_server(postgres, queue, address, tmp_path):
    queue.put([an_item("1", kind="linger")])
    with a_worker(address, tmp_path), working(queue, tmp_path, grace_s=0.0):
        wait_for(tmp_path / "began 1")
        (tmp_path / "began 1").unlink()
        postgres.stop()
        time.sleep(2 * QUICK.stalled_s)
        postgres.start()
        time.sleep(QUICK.stalled_s)
        # Both were silent for longer than the dead are; neither takes the other for dead.
        assert not (tmp_path / "began 1").exists()


def test_connections_that_break_cost_nothing(postgres, queue, address, tmp_path):
    queue.put([an_item(str(n)) for n in range(30)])
    with working(queue, tmp_path):
        while len(done_in(tmp_path)) < 30:
            postgres.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where "
                f"datname = '{database_of(address)}'"
            )
            time.sleep(0.05)
    empty(queue, tmp_path)
    assert queue.backlog("g").is_empty


def test_full_disk_is_waited_out(postgres, queue, address, tmp_path):
    queue.put([an_item("1", kind="falter")])
    database = database_of(address)
    # What a full disk answers; it has room again once the trigger is gone.
    postgres.execute(
        "create function full_disk() returns trigger language plpgsql as $$ begin raise exception "
        "'could not extend file: No space left on device' using errcode = 'disk_full'; end $$",
        database,
    )
    with working(queue, tmp_path):
        wait_for(tmp_path / "tried 1")
        postgres.execute(
            "create trigger full_disk before update on procrastinate_jobs execute function "
            "full_disk()",
            database,
        )
        time.sleep(2)
        assert done_in(tmp_path) == []
        postgres.execute("drop trigger full_disk on procrastinate_jobs", database)
        wait_until(lambda: done_in(tmp_path) == ["1"], "it did not go on")


def test_absent_server_is_named_without_the_password(address):
    away = re.sub(r":\d+/", ":1/", address.url)
    secret = re.search(r":([0-9a-f]{32})@", address.url)[1]
    lost = PostgresQueue(away, name="postgresql://isocost:***@127.0.0.1:1/test", absence_s=0.2)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/test cannot be reached") as refused:
        lost.backlog("g")
    assert secret not in str(refused.value)


def test_address_that_the_driver_does_not_take_is_refused():
    with pytest.raises(InvalidInput, match="ISOCOST_STORAGE_DATABASE"):
        PostgresQueue("postgresql://host/name?nonsense=1", name="postgresql://host/name")


def test_user_without_rights_is_told_what_is_lacking(postgres, address):
    postgres.execute("create role guest login password 'guest'")
    url = re.sub(r"isocost:[0-9a-f]+@", "guest:guest@", address.url)
    with pytest.raises(InvalidInput, match="right to make"):
        PostgresQueue(url, name="the queue").backlog("g")


def test_two_processes_may_make_the_tables_at_once(address, tmp_path):
    queues = [PostgresQueue(address.url, name="the queue") for _ in range(6)]
    counts = []
    threads = [
        threading.Thread(target=lambda q=q: counts.append(q.put([an_item("1")]))) for q in queues
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 0, 0, 1]


def test_tables_of_an_older_procrastinate_are_brought_up_to_date(postgres, queue, address):
    queue.backlog("g")
    database = database_of(address)
    newest = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
    found = postgres.execute("select max(name) from isocost_queue_migrations", database)
    assert found == [(newest,)]
    forgotten = "delete from isocost_queue_migrations where name = (select max(name) from "
    postgres.execute(f"{forgotten} isocost_queue_migrations)", database)
    # Its own statement drops what it replaces, so applying it once more shows that it is applied.
    PostgresQueue(address.url, name="the queue").backlog("g")
    assert postgres.execute("select max(name) from isocost_queue_migrations", database) == found
