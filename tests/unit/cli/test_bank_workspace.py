"""The options of `isocost bank run --platform workspace`."""

import sys
from contextlib import closing
from io import StringIO

import pytest
from rich.console import Console

from isocost.cli.app import main
from isocost.cli.bank_workspace import rule_from
from isocost.cli.workspace_view import figures_table, told_runs
from isocost.domain.experiment import SlaBasis, SlaRule
from isocost.errors import InvalidInput
from isocost.jobbank.workspace_figures import workspace_figures
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import an_experiment
from tests.unit.jobbank.test_workspace_figures import a_record


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))

    def call(*options):
        command = ["isocost", "bank", "run", "--platform", "workspace", "--name", "refused"]
        monkeypatch.setattr(sys, "argv", [*command, *options])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, " ".join(capsys.readouterr().err.split())

    return call


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workloads", "tpcds/q9999"), "No workload is called 'tpcds/q9999'"),
        (("--workloads", "own/nightly"), "`isocost bank vault list` lists all"),
        (("--cold-start", "m5.gigantic:4"), "No node type is called 'm5.gigantic'"),
        (("--cold-start", "m5.2xlarge"), "Write the node type and the number of workers"),
        (("--cold-start", "m5.2xlarge:2", "--cold-starts", "3"), "not both"),
        (("--cold-starts", "0"), "at least 1 cold start"),
        (("--policy", "oracle"), "No policy is called 'oracle'. Known: engine"),
        (("--sla", "soon"), "Write 1.2 (times what the cold start takes)"),
        (("--sla", "0"), "above 0"),
        (("--sla", "1.2,30min"), "takes one --sla"),
        (("--cold-starts", "101"), "at most 100; got 101"),
        (("--cold-start", "m5.xlarge:1001"), "most 1000 workers; --cold-start asks for 1001"),
        (("--runs", "0"), "at least 1 run"),
        (("--runs", "1001"), "at most 1000; got 1001"),
        (("--processes", "0"), "1 or more"),
        (("--grid", "scout.csv"), "--platform workspace does not take --grid"),
        (("--html", "page.html"), "--platform workspace does not take --html"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(refused, options, said):
    code, message = refused(*options)
    assert code == 2
    assert said in message


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ((), SlaRule(SlaBasis.COLD_START, 1.2)),
        (("1.5",), SlaRule(SlaBasis.COLD_START, 1.5)),
        (("fastest:2",), SlaRule(SlaBasis.FASTEST, 2.0)),
        (("30min",), SlaRule(SlaBasis.MINUTES, 30.0)),
    ],
)
def test_deadline_has_three_bases(given, rule):
    assert rule_from(given) == rule
    assert given == () or str(rule) == given[0]


@pytest.mark.parametrize("text", ["nan", "inf", "fastest:", "min", "-1"])
def test_no_number_is_no_deadline(text):
    with pytest.raises(InvalidInput, match="--sla"):
        rule_from((text,))


@pytest.mark.parametrize("platform", ["workspace", "spark_local"])
def test_what_is_refused_is_not_said_to_go_on(command, tmp_path, monkeypatch, platform):
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))
    with closing(SqlStore(tmp_path / "isocost.db")) as store, store.transaction() as tx:
        tx.put_experiment(an_experiment("a1"))
    code, told = command("bank", "run", "--platform", platform, "--name", "a1")
    assert (code, "has another plan" in told.err) == (2, True)
    assert "goes on" not in told.err


def test_one_run_is_told_in_the_singular():
    assert told_runs(1, 45.2) == "1 run in 45 s."
    assert told_runs(2, 45.2) == "2 runs in 45 s."


def test_every_column_that_needs_it_is_explained_in_a_line():
    told = StringIO()
    Console(file=told, width=140).print(figures_table(workspace_figures([a_record()])))
    explained = {line.split(": ")[0].strip() for line in told.getvalue().splitlines()}
    assert {"Error", "In 80 %", "Saving", "Cost", "Late", "Aside"} <= explained
