"""What `isocost bank run --platform recorded` refuses, in one message and before anything runs."""

import sys

import pytest

from isocost.cli.app import main
from isocost.testing.grids import grid_csv


@pytest.fixture
def isocost(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command as a user does, in this process."""

    def run(*arguments):
        monkeypatch.setenv("ISOCOST_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(sys, "argv", ["isocost", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    return run


@pytest.fixture
def bank_run(isocost, tmp_path):
    path = tmp_path / "made_up.csv"
    path.write_text(grid_csv(), encoding="utf-8")

    def run(*options):
        return isocost("bank", "run", "--platform", "recorded", "--grid", str(path), *options)

    return run


def assert_refused(done, message):
    code, told = done
    assert (code, told.out) == (2, "")
    assert message in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--policy", "cherrypick"), "No policy is called 'cherrypick'"),
        (("--policy", "bayes,bayes"), "each policy once"),
        (("--seeds", "0"), "--seeds takes 1"),
        (("--runs", "0"), "at least 1 run and at most 1000"),
        (("--runs", "100000000"), "at most 1000"),
        (("--horizon", "0"), "--horizon takes 1"),
        (("--sla", "p101"), "--sla p101 is out of range"),
        (("--sla", "soon"), "--sla 'soon' is no deadline"),
        (("--sla", "1.1,1.2"), "takes one --sla"),
        (("--cold-start", "m5.xlarge:5"), "is not among the clusters"),
        (("--cold-start", "m9.huge:5"), "No node type is called 'm9.huge'"),
        (("--prior", "all"), "--prior takes none, other-programs, same-program"),
        (("--failures", "hide"), "--failures takes remove, keep"),
        (("--noise", "-1"), "--noise takes 0 to 1"),
        (("--processes", "0"), "--processes takes 1"),
        (("--grid", "nowhere.csv"), "there is no such file"),
        (("--workloads", "nope"), "called 'nope'. Known are sort, sort_big, join. Shell"),
        (("--cold-starts", "3"), "recorded does not take --cold-starts"),
        (("--name", "a/b"), "cannot name an experiment"),
    ],
)
def test_bad_input_ends_in_one_message_and_exit_code_2(bank_run, options, message):
    assert_refused(bank_run(*options), message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--platform", "recorded"), "Pass their CSV file as --grid"),
        (("--grid", "a.csv", "--noise", "0.1"), "spark_local does not take --grid, --noise"),
        (("--policy", "bayes"), "spark_local does not take --policy"),
        (("--sla", "p25"), "need --platform recorded"),
    ],
)
def test_options_of_another_platform_are_refused(isocost, options, message):
    assert_refused(isocost("bank", "run", *options), message)


def test_a_name_is_said_to_store_nothing(bank_run):
    _, told = bank_run("--name", "a1", "--seeds", "1", "--runs", "2", "--json")
    assert "Recorded runs are not stored: a1 names" in " ".join(told.err.split())


def test_without_a_name_nothing_is_said_of_one(bank_run):
    _, told = bank_run("--seeds", "1", "--runs", "2", "--json")
    assert "not stored" not in told.err
