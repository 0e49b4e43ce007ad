"""What the command line says and returns when it is misused, interrupted or not listened to."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from isocost.cli.app import main
from isocost.settings import read_settings
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import an_experiment
from tests.interrupts import heeding_interrupts

WAITING = """
import time
from isocost.cli import app
def wait():
    print("ready", flush=True)
    time.sleep(60)
app.app.command()(wait)
app.app.command("bank")(wait)
app.main()
"""


@pytest.fixture
def environment(tmp_path):
    return os.environ | {"ISOCOST_HOME": str(tmp_path / "home"), "ISOCOST_CACHE": str(tmp_path)}


@pytest.fixture
def isocost(environment, monkeypatch, capsys):
    """Return a function that runs the command as a user does, in this process."""

    def run(*arguments, **changed):
        for name, value in (environment | changed).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["isocost", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(ended.value.code, capsys.readouterr().err)

    return run


IMPORTED = """
import sys
from isocost.cli.app import app
app(standalone_mode=False, args=sys.argv[1:])
heavy = {"scipy", "plotly", "sqlalchemy", "jinja2", "fastapi"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@dataclass(frozen=True)
class Ended:
    """A command that is over."""

    returncode: int
    stderr: str


def assert_refused(done, message):
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("wait", "What was finished before stays; repeat the command to have the rest done."),
        ("bank", "An experiment keeps what has finished: see --name to go on."),
    ],
)
def test_interrupted_command_says_so_and_exits_as_shells_have_it(environment, command, said):
    arguments = [sys.executable, "-c", WAITING, command]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        arguments, env=environment, text=True, preexec_fn=heeding_interrupts, **pipes
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told == f"Interrupted. {said}\n"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_reader_that_goes_away_ends_the_command_quietly(environment, options):
    command = [sys.executable, "-m", "isocost", "bank", "workloads", *options]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        command, env=environment, stdout=write_end, stderr=subprocess.PIPE, check=False
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")


def test_usage_errors_keep_their_usage(isocost):
    done = isocost("bank", "run", "--runs", "many")
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "--runs" in done.stderr


@pytest.mark.parametrize("home", ["/proc/foo", "~nobody-is-called-so/x", "/dev/null/x"])
@pytest.mark.parametrize("command", [("bank", "report", "first"), ("demo",)])
def test_home_that_cannot_be_is_one_message(isocost, home, command):
    done = isocost(*command, ISOCOST_HOME=home)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert home.rpartition("/")[0] in done.stderr


def test_cache_that_cannot_be_made_is_named(isocost):
    assert_refused(isocost("demo", "--real-spark", ISOCOST_CACHE="/proc/foo"), "ISOCOST_CACHE")


@pytest.mark.parametrize("command", [("demo",), ("bank", "run"), ("bank", "report", "first")])
@pytest.mark.parametrize("html", ["/", "/proc/foo/report.html", "/dev/null/report.html"])
def test_report_that_cannot_be_written_is_refused_before_anything(
    isocost, tmp_path, command, html
):
    assert_refused(isocost(*command, "--html", html), "Pass --html a file")
    assert not (tmp_path / "home" / "isocost.db").exists()


@pytest.mark.parametrize("command", [("demo", "--real-spark"), ("bank", "run")])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--name", ""), "cannot name an experiment"),
        (("--workloads", ","), "--workloads names nothing: ','"),
        (("--workloads", ""), "--workloads names nothing: ''"),
    ],
)
def test_empty_values_are_no_defaults(isocost, command, options, message):
    assert_refused(isocost(*command, *options), message)


@pytest.mark.parametrize("option", ["--workloads", "--name"])
def test_demo_on_workspaces_takes_no_option_of_real_spark(isocost, option):
    assert_refused(isocost("demo", option, "x"), f"{option} needs --real-spark")


def test_empty_cold_start_is_no_default(isocost):
    assert_refused(isocost("bank", "run", "--cold-start", ","), "--cold-start names nothing")


def test_demo_resumes_by_name_only_with_the_same_options(isocost, environment):
    store = SqlStore(read_settings(environment).storage.database)
    with store.transaction() as tx:
        tx.put_experiment(an_experiment("mine"))
    store.close()
    done = isocost("demo", "--real-spark", "--name", "mine")
    assert done.returncode == 2
    assert "has another plan" in done.stderr.replace("\n", " ")
    assert "goes on" not in done.stderr  # it would be refused again


def test_report_on_an_unknown_platform_names_no_option_it_lacks(isocost, environment):
    store = SqlStore(read_settings(environment).storage.database)
    with store.transaction() as tx:
        experiment = an_experiment("old")
        tx.put_experiment(replace(experiment, plan=replace(experiment.plan, platform="gone")))
    store.close()
    done = isocost("bank", "report", "old")
    assert_refused(done, "run on platform 'gone'")
    assert "--platform" not in done.stderr


@pytest.fixture
def imported():
    """Return a function that tells which heavy libraries a command imports."""

    def run(*arguments):
        command = [sys.executable, "-c", IMPORTED, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stderr.strip()

    return run


def test_profile_imports_neither_scipy_nor_plotly_nor_a_database(imported):
    assert imported("profile", "--help") == "[]"


def test_a_command_that_needs_a_library_imports_it(imported):
    assert "'scipy'" in imported("bank", "--help")


def test_help_lists_every_command_with_what_it_does():
    done = subprocess.run(
        [sys.executable, "-m", "isocost", "--help"], capture_output=True, text=True, check=True
    )
    for name, told in {
        "demo": "Look after 20 jobs of two simulated workspaces",
        "profile": "Say what an application did",
        "whatif": "Predict an application's runtime",
        "bank": "Measure the closed loop",
        "sim": "Simulate a Databricks workspace",
    }.items():
        assert any(name in line and told in line for line in done.stdout.splitlines())
    told = " ".join(done.stdout.split())
    assert "Exit codes: 0 done; 1 a fault of Isocost" in told
    assert "130 interrupted." in told


def test_command_that_is_not_there_is_told_from_those_that_are(isocost):
    done = isocost("profil")
    assert done.returncode == 2
    assert "profile" in done.stderr
