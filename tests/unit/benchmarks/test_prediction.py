"""The prediction benchmark: draws that nest, errors by hand, Ernest beside, one JSON object."""

import json

import pytest

from benchmarks import prediction
from benchmarks.prediction import WorkloadFigures, drawn, figures, foretold, measured
from isocost.jobbank.measured.plan import Prior
from isocost.model.transfer import NOTHING_LEARNED
from isocost.testing.grids import a_workload, grid_csv
from isocost.wiring import open_grids


@pytest.fixture
def workloads(tmp_path):
    path = tmp_path / "made_up.csv"
    path.write_text(grid_csv(), encoding="utf-8")
    return [w.without_failing() for w in open_grids([path], tell=print)]


def test_draws_are_repeatable_and_differ(workloads):
    once, again, other = (drawn(workloads[0], n) for n in (1, 1, 2))
    assert once == again != other
    assert set(once) == set(workloads[0].succeeding)


def test_errors_are_those_of_the_clusters_left():
    workload = a_workload(runtimes_s={n: 30.0 + 1000.0 / n for n in (1, 2, 4, 8, 16)})
    run, rest = workload.cells[:3], workload.cells[3:]
    told = foretold(workload, run, rest, learned=NOTHING_LEARNED)
    assert len(told.ape) == len(told.is_in_95) == 2
    assert (told.ape < 0.25).all()
    assert told.is_in_95.all()
    assert (told.ernest_ape < 0.01).all()  # the runtime has its very form


def test_one_run_tells_ernest_work_over_cores():
    workload = a_workload(runtimes_s={1: 800.0, 2: 400.0, 4: 200.0, 8: 100.0})
    told = foretold(workload, workload.cells[:1], workload.cells[1:], learned=NOTHING_LEARNED)
    assert (told.ernest_ape < 0.02).all()


def test_figures_are_means_over_workloads_with_their_standard_error():
    one = WorkloadFigures(0.1, 0.05, 0.5, 0.4, 0.8, 0.95)
    two = WorkloadFigures(0.3, 0.15, 0.7, 0.6, 0.6, 0.85)
    both = figures({"a": one, "b": two})
    assert (both.mape, both.ernest_mape) == pytest.approx((0.2, 0.6))
    assert both.mape_se == pytest.approx(0.1)
    assert (both.coverage_80, both.coverage_95) == pytest.approx((0.7, 0.9))
    assert figures({"a": one}).mape_se is None


def test_more_runs_predict_better(workloads):
    found = measured(workloads, 3, Prior.NONE)
    assert list(found) == ["1", "2", "3", "5", "8"]
    assert found["8"].mape < found["1"].mape
    assert found["1"].workload_count == 3


def test_only_workloads_with_a_sibling_learn_from_the_same_program(workloads):
    alone, told = (measured(workloads, 2, p)["1"] for p in (Prior.NONE, Prior.SAME_PROGRAM))
    changed = {name for name, found in told.workloads.items() if found != alone.workloads[name]}
    assert changed == {"sort", "sort_big"}


def test_workload_with_too_few_clusters_for_a_k_is_left_out():
    small = a_workload(runtimes_s={1: 100.0, 2: 60.0, 3: 50.0, 4: 45.0})
    assert list(measured([small], 1, Prior.NONE)) == ["1"]


def test_one_json_object_is_printed(tmp_path, capsys, monkeypatch):
    path = tmp_path / "made_up.csv"
    path.write_text(grid_csv(), encoding="utf-8")
    words = ["prediction", "--grid", str(path), "--json", "--repetitions", "1", "--working-set"]
    monkeypatch.setattr("sys.argv", words)
    prediction.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["has_working_set"]
    assert {"mape", "ernest_mape", "coverage_80", "coverage_95"} <= set(printed["k"]["3"])


@pytest.mark.parametrize(
    ("words", "complaint"), [(["--grid", "none.csv"], "no such file"), ([], "--grid")]
)
def test_wrong_use_is_told(words, complaint, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["prediction", *words])
    with pytest.raises(SystemExit):
        prediction.main()
    assert complaint in capsys.readouterr().err
