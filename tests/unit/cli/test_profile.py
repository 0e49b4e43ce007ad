"""`isocost profile` as a user types it: data to stdout, talk to stderr, exit codes."""

import json
import sys
from dataclasses import dataclass

import pytest

from isocost.cli.app import main
from isocost.testing import event_logs as log


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def event_log(tmp_path):
    path = tmp_path / "eventlog"
    path.write_bytes(log.joined(log.an_application()))
    return path


@pytest.fixture
def isocost(capfd, monkeypatch):
    """Run a command in this process, from its arguments to its exit code."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["isocost", "profile", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capfd.readouterr())

    return run


def test_json_is_one_object_and_nothing_else(event_log, isocost):
    done = isocost(event_log, "--json")
    shown = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (shown["application_id"], shown["runtime_s"], shown["task_count"]) == ("app-1", 6.0, 8)


def test_text_says_the_runtime_first(event_log, isocost):
    done = isocost(event_log)
    assert done.stdout.splitlines()[1].split()[:3] == ["Runtime", "6.0", "s;"]


def test_missing_facts_are_shown(event_log, isocost):
    event_log.write_bytes(log.joined(log.an_application()[:-1]))
    assert "This profile is not complete" in isocost(event_log).stdout


def test_folder_gives_one_line_a_log(event_log, isocost):
    lines = log.an_application()
    lines[1] = log.application_start(**{"App ID": "app-2"})
    (event_log.parent / "other").write_bytes(log.joined(lines))
    (event_log.parent / "broken").write_bytes(log.joined([log.log_start()]))
    done = isocost(event_log.parent)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok", "ok", "failed"]
    assert "[2/3]" in done.stderr


def test_folder_as_json_names_what_failed(event_log, isocost):
    (event_log.parent / "broken").write_bytes(log.joined([log.log_start()]))
    shown = json.loads(isocost(event_log.parent, "--json").stdout)
    assert [a["application_id"] for a in shown["applications"]] == ["app-1"]
    assert shown["failed"][0]["path"].endswith("broken")


def test_picture_is_written_where_asked(event_log, isocost):
    page = event_log.parent / "page.html"
    done = isocost(event_log, "--html", page)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"Wrote {page}." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent"], "absent"),
        (["eventlog", "--threshold", "skew"], "--threshold takes NAME=NUMBER"),
        (["eventlog", "--threshold", "nope=1"], "No threshold is called 'nope'"),
        (["eventlog", "--html", "no/such/folder/page.html"], "Cannot write"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(
    event_log, isocost, monkeypatch, arguments, said
):
    monkeypatch.chdir(event_log.parent)
    done = isocost(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_empty_file_says_what_to_do(tmp_path, isocost):
    (tmp_path / "empty").write_bytes(b"")
    done = isocost(tmp_path / "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is empty" in done.stderr
