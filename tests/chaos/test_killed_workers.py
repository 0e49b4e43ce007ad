"""SIGKILL among workers on one PostgreSQL: others take over, and every trial ends exactly once."""

import json
import os
import signal
import time
from contextlib import ExitStack, closing

import pytest

from isocost.domain.experiment import TrialState
from isocost.store.sql.store import SqlStore
from isocost.testing.workers import Site, end_counts, environment, started, takeovers_s

MANY, SOME = 24, 12

RUNNING = "select count(*) from trials where state = 'running'"
OVER = "select count(*) from trials where state not in ('queued', 'running')"
TAKEOVER_S = 60.0  # what is promised
PATIENCE_S = 240.0


@pytest.fixture
def site(postgres, tmp_path):
    site = Site(postgres, postgres.a_database(), tmp_path)
    with closing(SqlStore(site.address)):  # which makes the tables
        site.keep_book()
    return site


def experiment(trials, *, workload="tpch/q6", runs=1):
    """As small as trials are by default: one run of a short query, from many cold starts."""
    options = f"--workloads {workload} --cold-starts {trials} --runs {runs} --seed 3"
    return [
        "bank",
        "run",
        "--platform",
        "workspace",
        *options.split(),
        "--name",
        "nightly",
        "--json",
    ]


def told(process):
    """What a command printed, once it has ended."""
    return json.loads(process.communicate(timeout=PATIENCE_S)[0])


def rows(where):
    """All that an experiment came to, without what tells who carried it."""
    with closing(SqlStore(where)) as store, store.transaction(read_only=True) as tx:
        return [
            (
                (trial.truth, trial.cold_start, trial.state, tx.project(trial.project_id)),
                tx.runs_of(trial.project_id),
                tx.recommendations_of(trial.project_id),
                tx.executions_of(trial.project_id),
            )
            for trial in tx.trials_of("nightly")
        ]


def test_every_trial_ends_once_though_two_of_four_workers_are_killed(site, tmp_path):
    with ExitStack() as stack:
        worker = ("worker", "--concurrency", "1")
        workers = [stack.enter_context(site.started(*worker)) for _ in range(4)]
        watching = stack.enter_context(site.started(*experiment(MANY), "--queue", "postgres"))
        site.wait_until(RUNNING, lambda count: count == 4, patience_s=PATIENCE_S)
        for each in workers[:2]:
            os.kill(each.pid, signal.SIGKILL)
        killed_at_s = site.server_s()
        assert told(watching)["runs"] == MANY
    book = site.book()
    assert sorted(end_counts(book).values()) == [1] * MANY
    assert site.rows("select count(*) from runs") == [(MANY,)]
    again_s = takeovers_s(book, killed_at_s)
    assert 1 <= len(again_s) <= 2
    assert max(again_s) < TAKEOVER_S
    # The same seed gives the same, whoever carried it.
    alone = tmp_path / "alone"
    alone.mkdir()
    with started(environment(alone), *experiment(MANY)) as inline:
        told(inline)
    assert rows(alone / "isocost.db") == rows(site.address)


def test_sigterm_hands_the_trial_back_and_counts_no_attempt(site):
    slow = experiment(1, workload="tpcds/q14", runs=60)
    with site.started("worker", "--concurrency", "1") as worker:
        with site.started(*slow, "--queue", "postgres"):
            site.wait_until(RUNNING, lambda count: count == 1, patience_s=PATIENCE_S)
            worker.terminate()
            assert worker.wait(PATIENCE_S) == 0
            with closing(SqlStore(site.address)) as store, store.transaction() as tx:
                (trial,) = tx.trials_of("nightly")
    assert (trial.state, trial.attempt_count) == (TrialState.QUEUED, 0)
    assert site.rows("select status::text from procrastinate_jobs") == [("todo",)]


def test_database_that_is_gone_for_a_while_costs_nothing(postgres, site):
    with (
        site.started("worker", "--concurrency", "1"),
        site.started(*experiment(SOME), "--queue", "postgres") as watching,
    ):
        site.wait_until(OVER, lambda count: count >= 2, patience_s=PATIENCE_S)
        postgres.stop()
        time.sleep(6)
        postgres.start()
        assert told(watching)["runs"] == SOME
    assert sorted(end_counts(site.book()).values()) == [1] * SOME


def test_full_disk_is_named_waited_out_and_counts_nothing_twice(site):
    site.rows(
        "create function full_disk() returns trigger language plpgsql as $$ begin raise exception "
        "'could not extend file: No space left on device' using errcode = 'disk_full'; end $$"
    )
    with (
        site.started("worker", "--concurrency", "1"),
        site.started(*experiment(SOME), "--queue", "postgres") as watching,
    ):
        site.wait_until(OVER, lambda count: count >= 2, patience_s=PATIENCE_S)
        for table in ("runs", "trials"):
            site.rows(
                f"create trigger full_disk before insert or update on {table} "
                "execute function full_disk()"
            )
        time.sleep(4)
        for table in ("runs", "trials"):
            site.rows(f"drop trigger full_disk on {table}")
        assert told(watching)["runs"] == SOME
    assert sorted(end_counts(site.book()).values()) == [1] * SOME
    assert "No space left on device" in (site.home / "log").read_text()


def test_one_command_carries_all_on_postgresql_without_any_worker(site):
    with site.started(*experiment(2)) as alone:
        assert told(alone)["projects"] == 2
