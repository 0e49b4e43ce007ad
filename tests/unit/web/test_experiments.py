"""Pages of experiments show the report's figures, simulated ones apart from measured ones."""

import json
import re
from dataclasses import replace

import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.experiment import ExperimentEvent
from isocost.jobbank.analysis.measures import measured
from isocost.jobbank.plots.experiment import experiment_plots
from isocost.jobbank.rows import rows_of
from isocost.store.memory import MemoryStore
from isocost.testing.experiments import Behaviour, Scale, an_experiment_record, put_record
from isocost.usecases.compare import write_reference
from isocost.web.pages import pages
from tests.unit.api.asking import ask

SCALE = Scale(workload_count=8, cold_start_count=2, run_count=4)


def a_store(*records):
    store = MemoryStore()
    for record in records:
        put_record(store, record)
    return store


def served(store):
    return pages(store, node_types_of=lambda _: LOCAL_NODE_TYPES)


@pytest.fixture(scope="module")
def app():
    simulated = an_experiment_record("grown", scale=SCALE, policies=("engine", "random"))
    measured = an_experiment_record("real", scale=SCALE, platform="spark_local")
    return served(a_store(simulated, measured))


def test_list_keeps_simulated_and_measured_experiments_apart(app):
    text = ask(app, "/experiments").text
    simulated, measured = text.split("On real Spark")
    assert '"/experiments/grown"' in simulated
    assert '"/experiments/real"' in measured
    assert "32 of 32" in simulated


def test_empty_list_says_what_to_run():
    assert (
        "isocost bank run --platform workspace" in ask(served(MemoryStore()), "/experiments").text
    )


@pytest.mark.parametrize("name", ["grown", "real"])
def test_page_draws_every_figure_of_the_report(app, name):
    text = ask(app, f"/experiments/{name}").text
    platform = "workspace" if name == "grown" else "spark_local"
    policies = ("engine", "random") if name == "grown" else ("engine",)
    record = an_experiment_record(name, scale=SCALE, platform=platform, policies=policies)
    wanted = {plot.plot_id for plot in experiment_plots(record, rows_of(record))}
    drawn = re.findall(r'<script type="application/json" id="([\w-]+)-json">(.*?)</script>', text)
    assert {plot_id for plot_id, _ in drawn} == wanted
    assert all(json.loads(figure)["data"] for _, figure in drawn)


def test_page_says_whether_it_was_simulated(app):
    assert "nothing measured on real Spark is on this page" in ask(app, "/experiments/grown").text
    assert "nothing simulated is on this page" in ask(app, "/experiments/real").text
    assert "simulator" not in ask(app, "/experiments/real").text


def test_unknown_experiment_is_a_page_that_says_so(app):
    answer = ask(app, "/experiments/nobody")
    assert answer.status == 404
    assert "nobody" in answer.text


def test_page_follows_what_is_stored():
    store = a_store(an_experiment_record("grown", scale=SCALE))
    app = served(store)
    before = ask(app, "/experiments/grown").text
    worse = an_experiment_record("grown", scale=SCALE, behaviour=Behaviour(cost_ratio=0.9))
    put_record(store, worse)
    assert ask(app, "/experiments/grown").text == before  # nothing of it is over that was not
    with store.transaction() as tx:
        tx.put_experiment(tx.experiment("grown").after(ExperimentEvent.PAUSE))
    after = ask(app, "/experiments/grown").text
    assert "paused" in after
    assert after != before


def test_experiment_without_a_tried_recommendation_says_what_to_do():
    record = an_experiment_record("grown", scale=SCALE)
    bare = [
        replace(
            trial, runs=[], recommendations=[], profiles={}, trial=replace(trial.trial, truth=None)
        )
        for trial in record.trials
    ]
    app = served(a_store(replace(record, trials=bare)))
    assert "isocost bank status grown" in ask(app, "/experiments/grown").text


def test_two_experiments_are_held_against_each_other():
    dear = an_experiment_record("dear", scale=SCALE, behaviour=Behaviour(cost_ratio=0.9))
    app = served(a_store(an_experiment_record("usual", scale=SCALE), dear))
    assert '"/experiments/dear/against/usual"' in ask(app, "/experiments/dear").text
    text = ask(app, "/experiments/dear/against/usual").text
    assert "dear against usual: worse." in text
    assert 'id="comparison-cost-over-baseline-json"' in text


def test_experiments_that_cannot_be_compared_say_why(app):
    answer = ask(app, "/experiments/grown/against/real")
    assert answer.status == 422
    assert "their platform differs" in answer.text
    assert "against/real" not in ask(app, "/experiments/grown").text


def test_pages_read_no_file_of_the_server(app, tmp_path, monkeypatch):
    record = an_experiment_record("grown", scale=SCALE)
    write_reference(tmp_path / "kept.json", measured(record.experiment, rows_of(record)))
    monkeypatch.chdir(tmp_path)
    assert ask(app, "/experiments/grown/against/kept.json").status == 404
