"""`isocost bank vault`: what it lists, draws and takes in."""

from functools import partial

import pytest

from isocost.jobbank.vault import shelf
from isocost.testing import event_logs as log
from tests.unit.cli.answers import answer
from tests.unit.jobbank.vault.builders import a_recording


@pytest.fixture
def vault(tmp_path, monkeypatch, command):
    """Return a function that runs a command on a vault of one workload."""
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path / "home"))
    shelf.put(tmp_path / "home" / "vault" / shelf.FILE_NAME, [a_recording()])
    return partial(command, "bank", "vault")


def test_list_shows_own_and_shipped_workloads(vault):
    rows = answer(vault("list", "--json"))["workloads"]
    own = [row["name"] for row in rows if row["is_own"]]
    assert own == ["shop/orders"]
    assert len(rows) == len(shelf.shipped()) + 1


def test_list_takes_patterns(vault):
    rows = answer(vault("list", "tpch/*", "--json"))["workloads"]
    assert len(rows) == 22


def test_list_for_people_names_size_and_spark_tasks(vault):
    _, told = vault("list", "shop/*")
    assert "shop/orders (own)" in told.out
    assert "GB" in told.out


def test_show_draws_stages_under_those_they_read(vault):
    _, told = vault("show", "shop/orders", "--gb", "100")
    (join,) = [line for line in told.out.splitlines() if "└ join" in line]
    assert "← 0, 1" in join
    assert "█" in told.out


def test_show_says_where_it_was_recorded(vault):
    _, told = vault("show", "shop/orders")
    assert "Recorded 2026-01-05 with Spark 3.5.1 at scale factor 1" in told.out
    assert "a machine" in told.out


def test_show_scales_to_the_gigabytes_asked_for(vault):
    stages = answer(vault("show", "shop/orders", "--gb", "100", "--json"))["stages"]
    assert sum(stage["input_bytes"] for stage in stages) == pytest.approx(100e9)


def test_page_holds_the_pictures_and_needs_no_network(vault, tmp_path):
    vault("show", "shop/orders", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert page.count('class="plotly-graph-div"') == 3
    assert "cdn.plot.ly" not in page.replace("https://cdn.plot.ly/un", "")


def test_page_in_a_folder_that_is_not_there_is_refused(vault, tmp_path):
    code, told = vault("show", "shop/orders", "--html", str(tmp_path / "none" / "page.html"))
    assert (code, "Pass --html a file" in told.err) == (2, True)


def test_unknown_workload_says_how_to_list_them(vault):
    code, told = vault("show", "shop/order")
    assert code == 2
    assert "Did you mean shop/orders? See `isocost bank vault list`." in told.err


def test_event_log_of_the_user_becomes_a_workload(vault, tmp_path):
    (tmp_path / "log").write_bytes(log.joined(log.an_application()))
    taken = answer(vault("record", "--eventlog", str(tmp_path / "log"), "--json"))
    assert [row["name"] for row in taken["recorded"]] == ["own/a-test"]
    assert answer(vault("show", "own/a-test", "--json"))["is_own"]


def test_event_log_may_be_named(vault, tmp_path):
    (tmp_path / "log").write_bytes(log.joined(log.an_application()))
    vault("record", "--eventlog", str(tmp_path / "log"), "--name", "own/nightly")
    assert answer(vault("list", "own/*", "--json"))["workloads"][0]["name"] == "own/nightly"


def test_damaged_vault_is_named(vault, tmp_path):
    (tmp_path / "broken").write_bytes(b"nothing of the kind")
    code, told = vault("list", "--vault", str(tmp_path / "broken"))
    assert code == 2
    assert "broken is no vault of workloads, or a damaged one" in told.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["tpch/q1", "--eventlog", "x"], "leave out the names"),
        (["--name", "own/x"], "pass --eventlog, too"),
        (["tpch/q100"], "tpch/q100"),
    ],
)
def test_options_that_do_not_go_together_are_refused(vault, options, why):
    code, told = vault("record", *options)
    assert code == 2
    assert why in told.err


def test_a_recording_is_told_as_the_list_tells_it(vault, tmp_path):
    (tmp_path / "log").write_bytes(log.joined(log.an_application(task_count=150)))
    taken = answer(vault("record", "--eventlog", str(tmp_path / "log"), "--json"))
    listed = answer(vault("list", "own/*", "--json"))
    assert taken["recorded"] == listed["workloads"]


def test_a_name_of_the_shipped_vault_is_taken_with_a_word(vault, tmp_path):
    (tmp_path / "log").write_bytes(log.joined(log.an_application()))
    code, told = vault("record", "--eventlog", str(tmp_path / "log"), "--name", "tpcds/q1")
    assert code == 0
    assert "this replaces the shipped tpcds/q1" in " ".join(told.err.split())


def test_a_name_of_ones_own_is_taken_without_a_word(vault, tmp_path):
    (tmp_path / "log").write_bytes(log.joined(log.an_application()))
    _, told = vault("record", "--eventlog", str(tmp_path / "log"), "--name", "own/q1")
    assert "replaces" not in told.err
