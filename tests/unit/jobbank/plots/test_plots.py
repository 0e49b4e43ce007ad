"""Figures say in words what they draw, draw what they say, and leave out what nobody knows."""

from dataclasses import replace

import pytest

from isocost.jobbank.analysis.estimates import Estimate
from isocost.jobbank.figures import blank_figure
from isocost.jobbank.plots.agreement import agreement_plots
from isocost.jobbank.plots.costs import cost_plots
from isocost.jobbank.plots.errors import error_plots
from isocost.jobbank.plots.experiment import experiment_plots
from isocost.jobbank.plots.marks import add_estimates
from isocost.jobbank.plots.wording import between, estimate, percent, points
from isocost.jobbank.report import MOST_TOLD, report_html
from isocost.jobbank.rows import Rows, rows_of
from isocost.testing.experiments import Behaviour, Scale, an_experiment_record
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
    assert "1 beyond 100 % are drawn at the edge; means count them in full." in plot.caption
    assert max(plot.figure.data[0].y) == 100


def with_far_errors():
    """Return the plots of errors where every prediction is off by 400 %."""
    far = [
        replace(row, error_fraction=4.0, is_other_family=place % 2 == 0)
        for place, row in enumerate(ROWS.predictions)
        if row.policy == "engine"
    ]
    return by_id(error_plots(replace(ROWS, predictions=far)))


def test_median_beyond_the_edge_is_drawn_there_and_told_in_full():
    medians = with_far_errors()["error-worker-count"].figure.data[1]
    assert set(medians.y) == {100}
    assert all("median error 400 %" in told for told in medians.customdata)


def test_mean_and_its_interval_beyond_the_edge_are_drawn_there_and_told_in_full():
    plot = with_far_errors()["error-family"]
    means = plot.figure.data[-1]
    assert set(means.y) == {100}
    assert max(means.error_y.array) == 0
    assert all(told.startswith("400.0 %") for told in means.customdata)
    assert "beyond 100 % are drawn at the edge" in plot.caption


def test_box_shows_the_errors_that_draw_its_mean_up():
    boxes = [
        trace for trace in with_far_errors()["error-family"].figure.data if trace.type == "box"
    ]
    assert {box.boxpoints for box in boxes} == {"outliers"}
    assert max(max(box.y) for box in boxes) == 100


def test_interval_of_a_share_ends_where_shares_end():
    figure = blank_figure(x="", y="")
    add_estimates(figure, ["a"], [Estimate(0.8, 0.24, 1.36, 5, 40, 0.2)], name="kept", most=1.0)
    bars = figure.data[0].error_y
    assert bars.array[0] == pytest.approx(20)
    assert bars.arrayminus[0] == pytest.approx(56)


@pytest.mark.parametrize("plot_id", ["calibration-promises", "deadlines-phase"])
def test_no_drawn_share_lies_beyond_100_percent(plot_id):
    few = an_experiment_record(scale=Scale(3, 2, 3), behaviour=Behaviour(late_share=0.5))
    drawn = by_id(experiment_plots(few, rows_of(few)))[plot_id].figure.data
    ends = [
        y + up
        for each in drawn
        if each.error_y.array
        for y, up in zip(each.y, each.error_y.array, strict=True)
    ]
    assert ends
    assert max(ends) <= 100


def test_near_predictions_are_counted_by_the_error_that_the_page_shows():
    errors = (-0.24, -0.26, 0.24, 0.26)
    rows = replace(
        ROWS,
        predictions=[
            replace(row, error_fraction=error, predicted_s=(1 + error) * (row.actual_s or 1.0))
            for row, error in zip(ROWS.predictions, errors, strict=False)
        ],
    )
    told = [replace(row, policy="engine") for row in rows.predictions]
    plot = agreement_plots(replace(rows, predictions=told))[0]
    assert "2 of 4 predictions are off by at most 25 % of the actual runtime." in plot.caption


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
