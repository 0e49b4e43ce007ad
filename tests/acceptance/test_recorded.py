"""`isocost bank run --platform recorded` as a user runs it, on a small made-up grid."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isocost.testing.grids import grid_csv
from tests.interrupts import heeding_interrupts

ROOT = Path(__file__).parents[2]
POLICIES = ("engine", "bayes", "random", "static")


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    path = tmp_path_factory.mktemp("grids") / "made_up.csv"
    path.write_text(grid_csv(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def isocost(home):
    def run(*arguments):
        command = [sys.executable, "-m", "isocost", *arguments]
        environment = os.environ | {"ISOCOST_HOME": str(home)}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def bank_run(isocost, grid):
    def run(*options):
        given = ("bank", "run", "--platform", "recorded", "--grid", str(grid), *options)
        return isocost(*given)

    return run


@pytest.fixture(scope="module")
def answer(bank_run):
    options = ("--policy", ",".join(POLICIES), "--seeds", "2", "--runs", "12", "--sla", "1.25")
    done = bank_run(*options, "--name", "tried", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_times(value):
    if isinstance(value, dict):
        timed = {"seconds", "decision_ms"}
        return {key: without_times(inner) for key, inner in value.items() if key not in timed}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def test_every_policy_has_the_keys_that_others_rely_on(answer):
    assert (answer["experiment"], answer["projects"], answer["runs"]) == ("tried", 24, 288)
    assert tuple(answer["policies"]) == POLICIES
    for found in answer["policies"].values():
        search = found["search"]
        assert set(search["steps_to_within"]) == {"1.2", "1.1", "1.05", "1.0"}
        assert set(search["regret_after"]) == {"1", "2", "3", "5", "10"}
        assert set(search["cost_ratio_after"]) == {"10", "25", "50"}
        assert set(found["sla"]) == {"miss_fraction_2_10", "miss_fraction"}
        assert {"mape", "median_ape", "coverage_80", "coverage_95"} == set(found["prediction"])
        assert set(found["failures_per_project"]) == {"mean", "se"}


def test_cost_is_known_for_as_many_runs_as_were_made(answer):
    for found in answer["policies"].values():
        ratios = found["search"]["cost_ratio_after"]
        assert ratios["10"]["mean"] > 0.9
        assert (ratios["25"], ratios["50"]) == (None, None)


def test_all_policies_have_the_same_cold_start(answer):
    regrets = [answer["policies"][name]["search"]["regret_after"]["1"] for name in POLICIES[:3]]
    assert regrets[0] == regrets[1] == regrets[2]


def test_workloads_are_told_apart(answer):
    assert [row["workload"] for row in answer["workloads"]] == ["sort", "sort_big", "join"]
    assert answer["workloads"][2]["candidates"] < answer["workloads"][0]["candidates"]


def test_same_command_gives_the_same_figures_on_one_process(answer, bank_run):
    options = ("--policy", ",".join(POLICIES), "--seeds", "2", "--runs", "12", "--sla", "1.25")
    again = bank_run(*options, "--name", "tried", "--json", "--processes", "1")
    assert without_times(json.loads(again.stdout)) == without_times(answer)


def test_nothing_is_stored(answer, isocost):
    assert isocost("bank", "report", "tried").returncode == 2


def test_other_options_are_taken_together(bank_run):
    done = bank_run(
        *("--policy", "bayes", "--seeds", "1", "--runs", "3", "--cold-start", "m5.xlarge:8"),
        *("--sla", "p50", "--prior", "same-program", "--working-set", "--failures", "keep"),
        *("--noise", "0.03", "--horizon", "10", "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["terms"]["cold_start"] == "m5.xlarge:8"


def test_people_get_a_table_and_a_page(bank_run, tmp_path):
    page = tmp_path / "page.html"
    options = ("--policy", "random,static", "--seeds", "1", "--runs", "10", "--sla", "1.5")
    done = bank_run(*options, "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("random", "static", "sort_big", "Steps count"))
    assert "[9/9]" in done.stderr
    drawn = page.read_text(encoding="utf-8")
    assert all(word in drawn for word in ("Missed deadlines", "random", "sort_big"))
    assert 'src="http' not in drawn


def children_of(pid):
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_command_that_is_ended_leaves_no_process_behind(grid, home, ending):
    command = [sys.executable, "-m", "isocost", "bank", "run", "--platform", "recorded"]
    options = ["--grid", str(grid), "--policy", "bayes", "--seeds", "2000", "--processes", "2"]
    environment = os.environ | {"ISOCOST_HOME": str(home)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        command + options, env=environment, preexec_fn=heeding_interrupts, **pipes
    ) as process:
        process.stderr.readline()  # the first trial has ended
        workers = children_of(process.pid)
        assert len(workers) >= 2
        process.send_signal(ending)
        _, said = process.communicate(timeout=60)
    assert process.returncode == (130 if ending == signal.SIGINT else -signal.SIGKILL)
    assert b"Traceback" not in said
    assert (b"Interrupted. Recorded runs are not stored" in said) == (ending == signal.SIGINT)
    deadline_s = time.monotonic() + 30
    while any(map(is_running, workers)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not any(map(is_running, workers))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_how_to_page_shows_a_file_and_a_command_that_work(isocost, tmp_path):
    page = (ROOT / "docs" / "how-to" / "measure-a-policy.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"```\nisocost (.*?)\n```", page)
    path = tmp_path / "grid.csv"
    path.write_text(written, encoding="utf-8")
    words = [str(path) if word == "grid.csv" else word for word in command.split()]
    done = isocost(*words, "--seeds", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert tuple(json.loads(done.stdout)["policies"]) == POLICIES
