"""`isocost bank export` and `bank compare`, as a person or a pipeline calls them."""

import json
import sys

import pytest
from pyarrow import parquet

from isocost.cli.app import main
from isocost.settings import read_settings
from isocost.store.sql.store import SqlStore
from isocost.testing.experiments import Behaviour, Scale, an_experiment_record, put_record

SCALE = Scale(workload_count=8, cold_start_count=2, run_count=4)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a home with two equal experiments and a dearer one."""
    home = tmp_path_factory.mktemp("home")
    store = SqlStore(read_settings({"ISOCOST_HOME": str(home)}).storage.database)
    for name, behaviour in (
        ("first", Behaviour()),
        ("same", Behaviour()),
        ("dear", Behaviour(cost_ratio=0.9)),
    ):
        put_record(
            store,
            an_experiment_record(name, behaviour=behaviour, platform="spark_local", scale=SCALE),
        )
    store.close()
    return home


@pytest.fixture
def bank(home, monkeypatch, capsys):
    monkeypatch.setenv("ISOCOST_HOME", str(home))

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["isocost", "bank", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def test_equal_experiments_end_well(bank):
    code, out, _ = bank("compare", "first", "same", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["pairs"]) == (0, "no difference", 16)


def test_dearer_experiment_ends_with_1_and_says_by_how_much(bank):
    code, out, _ = bank("compare", "first", "dear", "--json")
    cost = json.loads(out)["measures"]["cost_over_baseline"]
    assert (code, cost["verdict"]) == (1, "worse")
    assert cost["difference"] == pytest.approx(0.3, abs=0.02)
    assert cost["low"] < cost["difference"] < cost["high"]


def test_cheaper_experiment_ends_well_and_says_better(bank):
    code, out, _ = bank("compare", "dear", "first")
    assert code == 0
    assert "first against dear: better." in out


def test_stored_reference_compares_as_the_experiment_does(bank, tmp_path):
    reference = str(tmp_path / "reference.json")
    assert bank("export", "first", "--to", reference)[0] == 0
    by_file = json.loads(bank("compare", reference, "dear", "--json")[1])
    by_name = json.loads(bank("compare", "first", "dear", "--json")[1])
    assert by_file["measures"] == by_name["measures"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("first", "nobody"), "nobody"),
        (("first", "nowhere.json"), "isocost bank export NAME --to FILE.json"),
        (("first", "same", "--policy", "bayes"), "it has engine"),
    ],
)
def test_bad_input_ends_with_2_and_the_next_step(bank, words, told):
    code, out, err = bank("compare", *words)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())


def test_file_of_something_else_is_no_reference(bank, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"name": "first"}', encoding="utf-8")
    code, _, err = bank("compare", str(other), "first")
    assert code == 2
    assert "holds no measures of an experiment" in " ".join(err.split())


def test_export_tells_how_many_rows_there_are(bank, tmp_path):
    code, out, _ = bank("export", "first", "--to", str(tmp_path / "tables"), "--json")
    counts = json.loads(out)["row_counts"]
    assert (code, counts) == (0, {"trials": 16, "runs": 64, "predictions": 48, "stages": 64})
    assert parquet.read_table(tmp_path / "tables" / "runs.parquet").num_rows == 64


def test_page_of_the_comparison_shows_each_measure_that_differs(bank, tmp_path):
    page = tmp_path / "compared.html"
    assert bank("compare", "first", "dear", "--html", str(page))[0] == 1
    text = page.read_text(encoding="utf-8")
    assert "dear against first: worse." in text
    assert "Cost over baseline, workload by workload" in text
    assert "8 of 8 are worse" in text
