"""`isocost bank run --platform databricks` as a user runs it, where nothing costs money."""

import os
import re
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import pytest

from isocost import clock
from isocost.domain.experiment import TrialState
from isocost.settings import read_settings
from isocost.testing.workspaces import client_of
from isocost.usecases.report import trial_records
from isocost.wiring import open_store
from tests.acceptance.user import LOGS, a_lived_in_workspace

pytest.importorskip("databricks.sdk")

ONE_START = ("--cold-start", "m5.2xlarge:4")
STARTS = ("--cold-start", "m5.2xlarge:2,m5.2xlarge:6")


@pytest.fixture
def bank(here, isocost, add, monkeypatch):
    """Runs experiments on the newest importable job; time is the workspace's own."""
    return opened(*here, isocost, add, monkeypatch)


@pytest.fixture
def slow_bank(isocost, add, monkeypatch):
    """The same in a workspace whose runs take their time."""
    with a_lived_in_workspace(2, is_leaping=False) as (address, control, _):
        yield opened(address, control, isocost, add, monkeypatch)


def opened(address, control, isocost, add, monkeypatch):
    assert add(address.url, address.token, "--log-destination", LOGS).code == 0
    jobs = isocost("job", "list", "prod", "--json").json["jobs"]
    name = next(each["name"] for each in jobs if each["is_importable"])
    monkeypatch.setattr(clock, "rest", lambda s: control.advance(timedelta(seconds=s)))

    def run(limit, *, workspace="prod", workload=name, runs=2, starts=STARTS):
        limits = () if limit is None else ("--spending-limit", str(limit))
        asked = ("--workspace", workspace, "--workloads", workload, *starts, "--runs", str(runs))
        platform = ("bank", "run", "--platform", "databricks", "--name", "real1", "--json")
        return isocost(*platform, *asked, *limits)

    return SimpleNamespace(run=run, isocost=isocost, client=client_of(address), control=control)


def records():
    with closing(open_store(read_settings(os.environ))) as store:
        with store.transaction(read_only=True) as tx:
            return list(trial_records(tx, "real1", with_profiles=True))


def copies(bank):
    return [j for j in bank.client.jobs.list() if j.settings.name.startswith("isocost-bank ")]


def bound_of(done):
    """Return what the next run may cost, as the message has it."""
    assert done.code == 4, done.err
    return float(re.search(r"may cost up to\s+([\d.]+)", done.err)[1])


def test_every_job_and_cold_start_is_run_as_often_as_planned_and_its_copy_deleted(bank):
    done = bank.run(1000)
    assert done.code == 0, done.err
    found = records()
    assert [r.trial.state for r in found] == [TrialState.SUCCEEDED] * 2
    assert [len(r.executions) for r in found] == [2, 2]
    assert [str(r.runs[0].asked_spec) for r in found] == [
        str(r.trial.cold_start.spec) for r in found
    ]
    assert done.json["spent_usd"] == pytest.approx(
        sum(run.cost.total_usd for r in found for run in r.runs)
    )
    assert copies(bank) == []
    for each in found:
        first = each.executions[0]
        assert each.project.sla.max_runtime_s == pytest.approx(1.2 * first.duration_s)
        assert each.took_s(each.runs[0]) == first.duration_s
    report = bank.isocost("bank", "report", "real1", "--json")
    assert report.code == 0, report.err


def test_limit_stops_before_the_next_run_and_a_higher_one_goes_on(bank):
    """Nothing is lost and nothing counted twice."""
    first_bound = bound_of(bank.run(0.01))
    assert records()[0].runs == []
    (copy,) = copies(bank)
    assert (copy.settings.schedule, copy.settings.continuous) == (None, None)
    day_s = timedelta(days=1).total_seconds()
    bank.control.trouble(seconds=day_s, slowdown=4.0)  # a bad day: the first run is dear
    limit = first_bound + 0.01
    second_bound = bound_of(bank.run(limit))
    (before, untouched) = records()
    assert (len(before.executions), untouched.executions) == (1, [])
    spent = before.runs[0].cost.total_usd
    assert spent < limit < spent + second_bound
    assert [r.trial.state for r in records()] == [TrialState.QUEUED] * 2
    done = bank.run(1000)
    assert done.code == 0, done.err
    assert [len(r.executions) for r in records()] == [2, 2]
    assert records()[0].runs[0] == before.runs[0]
    again = bank.run(1000)
    assert (again.code, again.json) == (0, done.json)


def test_cancelled_experiment_leaves_no_copy(bank):
    bound_of(bank.run(0.01))
    assert len(copies(bank)) == 1
    assert bank.isocost("bank", "cancel", "real1", "--yes").code == 0
    assert copies(bank) == []
    assert "was cancelled" in bank.run(1000).err


def interrupted(_):
    raise KeyboardInterrupt


def test_run_under_way_when_the_command_is_interrupted_is_taken_up_again(slow_bank, monkeypatch):
    """It is neither started twice nor left out of what is spent."""
    with monkeypatch.context() as dying:
        dying.setattr(clock, "rest", interrupted)
        assert slow_bank.run(1000, starts=ONE_START).code == 130
    (copy,) = copies(slow_bank)
    (under_way,) = slow_bank.client.jobs.list_runs(job_id=copy.job_id, active_only=True)
    assert [r.trial.state for r in records()] == [TrialState.QUEUED]
    done = slow_bank.run(1000, starts=ONE_START)
    assert done.code == 0, done.err
    started = [run.run_id for run in slow_bank.client.jobs.list_runs(job_id=copy.job_id)]
    (record,) = records()
    assert sorted(e.origin_run_id for e in record.executions) == sorted(map(str, started))
    assert len(started) == 2
    assert under_way.run_id in started
    assert record.project.sla.max_runtime_s == pytest.approx(1.2 * record.executions[0].duration_s)


def test_cancelling_stops_the_run_under_way(slow_bank, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(clock, "rest", interrupted)
        slow_bank.run(1000, starts=ONE_START)
    (copy,) = copies(slow_bank)
    assert slow_bank.isocost("bank", "cancel", "real1", "--yes").code == 0
    runs = slow_bank.client.jobs.list_runs(job_id=copy.job_id)
    assert [run.state.result_state.value for run in runs] == ["CANCELED"]
    assert copies(slow_bank) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"limit": None}, "needs --spending-limit"),
        ({"limit": -1}, "amount of USD above 0"),
        ({"workspace": "other"}, "There is no workspace 'other'"),
        ({"workload": "nothing*"}, "is called 'nothing*'"),
        ({"starts": ()}, "needs --cold-start"),
        ({"starts": ("--cold-start", "m5.huge:2")}, "No node type is called 'm5.huge'"),
    ],
)
def test_bad_input_is_one_clear_message_and_makes_no_copy(bank, changed, message):
    done = bank.run(**{"limit": 50, **changed})
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert copies(bank) == []
