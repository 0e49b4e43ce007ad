"""`isocost bank pause|resume|cancel|status` and `isocost worker`: what they say and refuse."""

import pytest

from isocost.domain.experiment import TrialEvent
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import a_project, a_trial, an_experiment
from tests.unit.cli.answers import answer


@pytest.fixture
def isocost(tmp_path, monkeypatch, command):
    """Return a function that runs a command where an experiment of three trials is stored."""
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))
    monkeypatch.delenv("ISOCOST_STORAGE_DATABASE", raising=False)
    store = SqlStore(tmp_path / "isocost.db")
    with store.transaction() as tx:
        tx.put_project(a_project())
        tx.put_experiment(an_experiment())
        for ordinal in range(3):
            tx.put_trial(a_trial(f"t-{ordinal}", ordinal=ordinal))
        aside = a_trial("t-2", ordinal=2).after(TrialEvent.LEASE)
        tx.put_trial(aside.after(TrialEvent.GIVE_UP, failure="out of luck"))
    store.close()
    return command


def test_status_counts_trials_and_names_why_some_were_set_aside(isocost):
    found = answer(isocost("bank", "status", "nightly", "--json"))
    assert (found["state"], found["done"], found["total"]) == ("open", 1, 3)
    assert found["trials"]["queued"] == 2
    assert found["set_aside"] == {"t-2": "out of luck"}


def test_status_for_people_is_a_sentence_with_reasons(isocost):
    _, told = isocost("bank", "status", "nightly")
    assert "nightly is open: 1 of 3 trials are over (2 queued, 1 set aside)." in told.out
    assert "t-2 was set aside: out of luck" in told.out


def test_pause_and_resume_change_the_state_and_say_how_to_go_on(isocost):
    _, told = isocost("bank", "pause", "nightly")
    assert "nightly is paused" in told.out
    assert "isocost bank resume nightly" in told.err
    assert answer(isocost("bank", "resume", "nightly", "--json"))["state"] == "open"


def test_cancel_asks_before_it_ends_anything(isocost):
    code, told = isocost("bank", "cancel", "nightly")
    assert code == 2
    assert "2 of 3 trials of nightly are not over" in told.err
    assert "--yes" in told.err
    assert answer(isocost("bank", "status", "nightly", "--json"))["state"] == "open"


def test_cancel_is_final_and_safe_to_repeat(isocost):
    for _ in range(2):
        found = answer(isocost("bank", "cancel", "nightly", "--yes", "--json"))
        assert found["trials"]["cancelled"] == 2
    code, told = isocost("bank", "resume", "nightly")
    assert code == 2
    assert "was cancelled, which is final" in told.err


@pytest.fixture
def over(isocost, tmp_path):
    """Return the same function where everything of the experiment has ended."""
    store = SqlStore(tmp_path / "isocost.db")
    with store.transaction() as tx:
        for ordinal in range(2):
            ended = a_trial(f"t-{ordinal}", ordinal=ordinal).after(TrialEvent.LEASE)
            tx.put_trial(ended.after(TrialEvent.FINISH))
    store.close()
    return isocost


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_what_is_over_is_not_cancelled(over, options):
    code, told = over("bank", "cancel", "nightly", *options)
    assert code == 0
    assert "nightly is over already: there is nothing to cancel" in told.err
    assert answer(over("bank", "status", "nightly", "--json"))["state"] == "open"


def test_status_says_that_an_experiment_is_over(over):
    _, told = over("bank", "status", "nightly")
    assert "nightly is over: 3 of 3 trials are over (2 succeeded, 1 set aside)." in told.out
    assert answer(over("bank", "status", "nightly", "--json"))["is_over"]


def test_list_shows_how_far_each_experiment_has_come(isocost):
    (found,) = answer(isocost("bank", "list", "--json"))["experiments"]
    assert (found["experiment"], found["state"], found["is_over"]) == ("nightly", "open", False)
    assert (found["done"], found["total"]) == (1, 3)
    _, told = isocost("bank", "list")
    assert "1/3" in told.out


def test_list_says_what_is_over(over):
    _, told = over("bank", "list")
    (line,) = [line for line in told.out.splitlines() if "nightly" in line]
    assert line.split()[-2:] == ["3/3", "over"]


def test_list_of_nothing_says_how_to_begin(command, tmp_path, monkeypatch):
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))
    code, told = command("bank", "list")
    assert (code, "isocost bank run" in told.err) == (0, True)


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "cancel"])
def test_unknown_experiment_is_told_with_what_there_is(isocost, verb):
    code, told = isocost("bank", verb, "nigthly")
    assert code == 2
    assert "nightly" in told.err


def test_worker_without_postgresql_is_told_what_to_set(isocost):
    code, told = isocost("worker")
    assert code == 2
    assert "ISOCOST_STORAGE_DATABASE" in told.err


def test_workers_cannot_carry_what_lies_in_a_file(isocost):
    code, told = isocost(
        *("bank", "run", "--platform", "workspace", "--queue", "postgres", "--name", "other"),
        *("--workloads", "tpch/q6", "--cold-starts", "1", "--runs", "1"),
    )
    assert code == 2
    assert "ISOCOST_STORAGE_DATABASE" in told.err


def test_processes_say_nothing_to_workers(isocost):
    code, told = isocost(
        *("bank", "run", "--platform", "workspace", "--queue", "postgres", "--processes", "2"),
    )
    assert code == 2
    assert "isocost worker --concurrency" in told.err


def test_queue_belongs_to_simulated_workspaces(isocost):
    code, told = isocost("bank", "run", "--platform", "recorded", "--queue", "inline")
    assert code == 2
    assert "does not take --queue" in told.err
