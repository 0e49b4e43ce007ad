"""Figures say in words what they draw, draw what they say, and leave out what nobody knows."""

from dataclasses import replace

import pytest

from isocost.jobbank.analysis.estimates import Estimate
from isocost.jobbank.plots.costs import cost_plots
from isocost.jobbank.plots.errors import error_plots
from isocost.jobbank.plots.experiment import experiment_plots
from isocost.jobbank.plots.wording import between, estimate, percent, points
from isocost.jobbank.report import MOST_TOLD, report_html
from isocost.jobbank.rows import Rows, rows_of
from isocost.testing.experiments import Scale, an_experiment_record
from isocost.testing.nouns import NOW

RECORD = an_experiment_record(policies=("engine", "random"))
ROWS = rows_of(RECORD)
REAL = an_experiment_record(platform="spark_local", scale=Scale(4, 2, 3))
OF_SIMULATOR = {"cost-regret", "cost-bill", "agreement"}


def by_id(plots):
    return {plot.plot_id: plot for plot in plots}


def test_every_plot_has_its_own_id_and_something_to_say():
    plots = experiment_plots(RECORD, ROWS)
    assert len(by_id(plots)) == len(plots) >= 11
    assert all(len(plot.caption) > 60 and plot.figure.data for plot in plots)


def test_what_only_the_simulator_knows_is_on_no_page_of_real_spark():
    simulated = set(by_id(experiment_plots(RECORD, ROWS)))
    measured = set(by_id(experiment_plots(REAL, rows_of(REAL))))
    assert simulated >= OF_SIMULATOR
    assert not measured & OF_SIMULATOR
    assert {"replay", "project-cost"} <= measured


def test_nothing_is_drawn_of_no_rows():
    empty = Rows((), (), ())
    assert error_plots(empty) == cost_plots(empty) == []


def test_error_beyond_the_edge_is_drawn_at_the_edge_and_told():
    far = replace(ROWS.predictions[0], policy="engine", error_fraction=4.0)
    rows = replace(ROWS, predictions=[far, *ROWS.predictions[1:]])
    plot = by_id(error_plots(rows))["error-worker-count"]
    assert "1 beyond 100 % are drawn at the edge." in plot.caption
    assert max(plot.figure.data[0].y) == 100


def test_names_cannot_hold_markup():
    hostile = replace(ROWS.predictions[0], workload="<b>w</b>")
    plot = by_id(error_plots(replace(ROWS, predictions=[hostile])))["error-worker-count"]
    assert plot.figure.data[0].customdata[0].startswith("&lt;b&gt;w&lt;/b&gt;")


def test_cost_is_drawn_worst_first_as_the_caption_says():
    plot = by_id(cost_plots(ROWS))["cost-workload"]
    means = next(trace for trace in plot.figure.data if trace.name == "engine")
    assert list(means.x) == sorted(means.x, reverse=True)
    assert f"{means.y[0]}, {means.x[0]:.0f} %" in plot.caption


def test_guesses_of_other_policies_are_in_no_plot_of_errors():
    drawn = by_id(error_plots(ROWS))["error-worker-count"].figure.data[0].x
    assert len(drawn) == sum(row.policy == "engine" for row in ROWS.predictions)


def test_long_report_tells_the_worst_recommendations_only():
    page = report_html(RECORD, made_at=NOW)
    predicted = sum(row.policy == "engine" for row in ROWS.predictions)
    assert f"The {MOST_TOLD} recommendations of {predicted} that were predicted worst" in page
    assert page.count("<details>") == MOST_TOLD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (percent(0.1234), "12 %"),
        (percent(0.0996), "10 %"),
        (percent(-0.0123), "−1.2 %"),
        (points(-0.043), "−4.3"),
        (estimate(Estimate(0.12, 0.09, 0.15, 5, 40, 0.01)), "12 % ± 3.0 (40)"),
        (estimate(Estimate(0.12, -9.0, 9.0, 2, 4, 0.7)), "12 % (4)"),
        (between(0.5, 0.5), "½×"),
        (between(0.25, 2.0), "¼× to 2×"),
    ],
)
def test_numbers_are_written_with_the_digits_that_say_something(text, words):
    assert text == words
