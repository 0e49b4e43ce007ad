"""What `isocost bank report` and `export` say of an experiment that was stopped halfway."""

from dataclasses import replace

import pytest

from isocost.domain.experiment import ExperimentState, TrialState
from isocost.store.sql.store import SqlStore
from isocost.testing.experiments import Scale, an_experiment_record, put_record
from isocost.usecases.experiment import project_of_trial
from tests.unit.cli.answers import answer

SMALL = Scale(workload_count=2, cold_start_count=2, run_count=2)


@pytest.fixture(params=["workspace", "spark_local"])
def isocost(tmp_path, monkeypatch, command, request):
    """Return a function that runs a command where one of four trials was never begun."""
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))
    monkeypatch.delenv("ISOCOST_STORAGE_DATABASE", raising=False)
    whole = an_experiment_record(scale=SMALL, platform=request.param)
    left = replace(whole.trials[-1].trial, state=TrialState.QUEUED, truth=None)
    paused = replace(whole.experiment, state=ExperimentState.PAUSED)
    store = SqlStore(tmp_path / "isocost.db")
    put_record(store, replace(whole, experiment=paused, trials=whole.trials[:-1]))
    with store.transaction() as tx:
        tx.put_project(project_of_trial(left, miss_fraction=0.1))
        tx.put_trial(left)
    store.close()
    return command


def test_report_says_what_its_figures_are_of(isocost, tmp_path):
    _, told = isocost("bank", "report", "nightly", "--html", str(tmp_path / "page.html"))
    note = "Paused with 3 of 4 trials over"
    assert note in told.out
    assert "isocost bank resume nightly" in told.out
    assert note in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_report_counts_trials_and_projects_for_machines(isocost):
    found = answer(isocost("bank", "report", "nightly", "--json"))
    assert found["trials"] == {"over": 3, "all": 4}
    assert found["projects"] == 3


@pytest.mark.parametrize("to", ["tables", "reference.json"])
def test_export_says_that_trials_are_missing(isocost, tmp_path, to):
    command = ("bank", "export", "nightly", "--to", str(tmp_path / to))
    _, told = isocost(*command)
    assert "Paused with 3 of 4 trials over" in told.out
    assert answer(isocost(*command, "--json"))["trials"] == {"over": 3, "all": 4}
