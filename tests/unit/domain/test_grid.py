"""A measured grid knows its cheapest cluster, with and without a deadline."""

import pytest

from isocost.domain.grid import GridRun, workload_named
from isocost.errors import InvalidInput, NotFound
from isocost.testing.grids import a_cell, a_cluster, a_failed_run, a_workload


def test_optimum_is_the_cheapest_not_the_fastest():
    assert a_workload().optimum(None).spec == a_cluster(2)


@pytest.mark.parametrize(
    ("max_runtime_s", "workers"), [(1000.0, 2), (400.0, 2), (399.9, 3), (200.0, 6)]
)
def test_optimum_keeps_the_deadline(max_runtime_s, workers):
    assert a_workload().optimum(max_runtime_s).spec == a_cluster(workers)


def test_deadline_that_no_cluster_keeps_has_no_optimum():
    assert a_workload().optimum(199.0) is None


def test_failing_cluster_is_no_optimum_however_cheap():
    workload = a_workload(cells=(a_cell(1, a_failed_run(1.0)), a_cell(2, 400.0)))
    assert workload.optimum(None).spec == a_cluster(2)
    assert [cell.spec for cell in workload.without_failing().cells] == [a_cluster(2)]


def test_cluster_with_one_good_run_succeeds_by_that():
    cell = a_cell(1, a_failed_run(), 300.0, 500.0)
    assert not cell.is_failing
    assert (cell.runtime_s, cell.cost_usd) == (400.0, pytest.approx(0.4))


def test_without_failing_clusters_no_run_fails():
    workload = a_workload(cells=(a_cell(1, a_failed_run(), 300.0), a_cell(2, a_failed_run())))
    (cell,) = workload.without_failing().cells
    assert [run.is_failed for run in cell.runs] == [False]


def test_workload_that_always_fails_is_refused():
    with pytest.raises(InvalidInput, match="No run of workload 'sort' succeeded"):
        a_workload(cells=(a_cell(1, a_failed_run()),))


def test_working_set_can_be_forgotten():
    known = a_workload(cells=(a_cell(1, GridRun(10.0, working_set_gib=3.0)),))
    assert known.without_working_set().cells[0].runs[0].working_set_gib is None


def test_unknown_workload_names_those_there_are():
    with pytest.raises(NotFound, match="Recorded are sort, scan"):
        workload_named("join", [a_workload("sort"), a_workload("scan")])
