"""What the figures of a project's history draw."""

from dataclasses import replace

import pytest

from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import Deviation
from isocost.testing.histories import IMPORTED, a_store
from isocost.usecases.project_history import project_history
from isocost.web.figures import cluster_timeline, cost_timeline, runtime_timeline
from isocost.web.rendering import embedded


@pytest.fixture
def store():
    return a_store(IMPORTED, runs=4)


def history(store):
    with store.transaction(read_only=True) as tx:
        return project_history(tx, "p-1")


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_stacked_parts_sum_to_the_cost_of_each_run(store):
    found = traces(cost_timeline(history(store)))
    parts = zip(found["workers"].y, found["DBU"].y, found["disks"].y, strict=True)
    assert [sum(part) for part in parts] == [4.0, 4.0, 2.0, 2.0]


def test_part_that_nobody_paid_is_left_out(store):
    assert "spot workers" not in traces(cost_timeline(history(store)))


def test_run_of_unknown_cost_has_no_bar(store):
    with store.transaction() as tx:
        tx.put_run(replace(tx.run("e-1-main"), cost=None))
    assert traces(cost_timeline(history(store)))["workers"].y[1] is None


def test_baseline_is_a_line_with_its_name(store):
    line = traces(cost_timeline(history(store)))["baseline: mean of runs 0, 1"]
    assert list(line.y) == [4.0, 4.0]


def test_deviation_is_marked_with_causes_and_shares(store):
    ring = traces(cost_timeline(history(store)))["deviates, with its causes"]
    assert list(ring.x) == [3]
    assert "data 90 %: input 2.1 GiB instead of 1.0 GiB" in ring.customdata[0]


def test_change_is_marked_at_the_first_run_after_it(store):
    mark = traces(cost_timeline(history(store)))["cluster changed before this run"]
    assert list(mark.x) == [2]
    assert "applied 1 × local-2c-2g" in mark.customdata[0]


def test_first_run_of_a_recommendation_is_drawn_with_what_that_predicted(store):
    bar = traces(runtime_timeline(history(store)))["expected, 80 % interval"]
    assert list(bar.x) == [2, 3]
    assert (bar.error_y.array[0], bar.error_y.arrayminus[0]) == (3.0, 3.0)


def test_later_run_is_drawn_with_what_it_was_held_against(store):
    with store.transaction() as tx:
        run = tx.run("e-3-main")
        # One standard deviation is a factor of 1.1.
        held = Deviation(expected_s=40.0, actual_s=40.0 * 1.1**2, sds=2.0, is_anomaly=False)
        tx.put_run(replace(run, deviation=held))
    bar = traces(runtime_timeline(history(store)))["expected, 80 % interval"]
    assert bar.y[1] == 40.0
    assert bar.error_y.array[1] == pytest.approx(40.0 * (1.1**1.2816 - 1))


def test_deadline_is_a_line_in_the_unit_of_the_axis(store):
    found = traces(runtime_timeline(history(store)))
    assert list(found["SLA: at most 1 min 00 s"].y) == [60.0, 60.0]


def test_clusters_are_rows_in_the_order_they_came(store):
    figure = cluster_timeline(history(store))
    rows = figure.layout.yaxis.categoryarray
    assert list(reversed(rows)) == ["1 × local-1c-2g", "1 × local-2c-2g"]


def test_failed_run_says_why_on_hover(store):
    with store.transaction() as tx:
        failed = replace(tx.run("e-1-main"), failure="lost <executor>", runtime_s=None)
        tx.put_run(failed)
    told = traces(cluster_timeline(history(store)))["main"].customdata[1]
    assert "failed: lost &lt;executor&gt;" in told


def test_history_without_runs_draws_nothing_and_fails_at_nothing():
    empty = history(a_store(IMPORTED))
    assert [len(f(empty).data) for f in (cost_timeline, cluster_timeline)] == [0, 0]


def test_figure_cannot_close_the_script_it_stands_in(store):
    with store.transaction() as tx:
        tx.put_run(replace(tx.run("e-0-main"), cluster_key="</script>", cost=CostBreakdown(1.0)))
    assert "<" not in embedded(cluster_timeline(history(store)))
