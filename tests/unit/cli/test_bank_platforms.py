"""`isocost bank workloads` and `--platform`: every word taken, and what is said of others."""

import pytest

from tests.unit.cli.answers import answer


@pytest.fixture
def isocost(command, tmp_path, monkeypatch):
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))
    return command


def test_unknown_platform_is_told_all_there_are(isocost):
    code, told = isocost("bank", "run", "--platform", "foo")
    assert code == 2
    assert "Known: spark_local, workspace, databricks, recorded" in told.err


def test_simulated_workspaces_run_what_the_vault_has(isocost):
    listed = answer(isocost("bank", "vault", "list", "--json"))["workloads"]
    found = answer(isocost("bank", "workloads", "--platform", "workspace", "--json"))
    assert found["workloads"] == [row["name"] for row in listed]


@pytest.mark.parametrize(
    ("platform", "where"), [("databricks", "isocost job list"), ("recorded", "--grid")]
)
def test_where_only_others_know_the_workloads_they_are_named(isocost, platform, where):
    code, told = isocost("bank", "workloads", "--platform", platform)
    assert (code, where in told.err) == (2, True)
