"""The scaling benchmark finds a law that is there, and scores what it never saw."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scaling import Makespan, coverage, decima, gibilisco, predicted, tpcxbb
from benchmarks.scaling_decima import TracedQuery, read_traces
from benchmarks.scaling_fit import fit_law, stage_means
from benchmarks.scaling_gibilisco import HostError, host_errors, read_applications
from benchmarks.scaling_tpcxbb import Workload, contention_of, read_workloads, work_errors
from isocost.model.growth import GrowthLaw

LAW = GrowthLaw(
    contention=0.006,
    fan_in=0.03,
    fan_in_scale_s=0.1,
    warm_up_fan_in=0.01,
    cold_s=1.5,
    cold_shuffle_s=0.5,
    log_sd_per_efold=0.0,
)
COUNTS = (10, 20, 40, 80, 100)


def a_query(query, scan_s=2.0, reduce_s=0.1):
    """Return a scan and two shuffles whose spark tasks follow the law to the letter."""
    stages = [
        (scan_s, 0.0, True, 600),
        (reduce_s, 0.2, False, 200),
        (5 * reduce_s, 0.3, False, 400),
    ]
    return TracedQuery(
        query=query,
        size="2g",
        parents=((), (0,), (1,)),
        task_s={n: tuple(launched_s(*stage, n) for stage in stages) for n in COUNTS},
    )


def launched_s(alone_s, warm_up_s, is_scan, count, executor_count):
    settled_s = LAW.settled_s(alone_s, executor_count, reads_shuffle=not is_scan)
    warm = warm_up_s * (LAW.contended(executor_count) + LAW.warm_up_fan_in * executor_count)
    cold = LAW.cold_s * LAW.contended(executor_count) if is_scan else 0.0
    first = [settled_s + warm + cold] * executor_count
    return (*first, *[settled_s] * (count - executor_count))


@pytest.fixture(scope="module")
def queries():
    durations = [(2.0, 0.1), (1.0, 0.05), (3.0, 0.5), (2.0, 0.02)]
    return [a_query(query, *of_one) for query, of_one in enumerate(durations, start=1)]


def test_the_law_that_made_the_stages_is_found(queries):
    found = fit_law([stage for query in queries for stage in stage_means(query, 10)])
    for name in ("contention", "fan_in", "fan_in_scale_s", "warm_up_fan_in", "cold_s"):
        assert getattr(found, name) == pytest.approx(getattr(LAW, name), rel=0.05)


def test_makespans_follow_from_the_right_law_and_not_from_a_flat_one(queries):
    flat = replace(LAW, contention=0.0, fan_in=0.0, warm_up_fan_in=0.0)
    right = max(m.ape for m in predicted(queries[0], LAW))
    wrong = max(m.ape for m in predicted(queries[0], flat))
    assert right < 0.02 < 0.2 < wrong


def test_each_query_is_predicted_by_the_others(queries):
    alone = a_query(9, 2.0, 0.1)
    odd = replace(alone, task_s={n: alone.task_s[10] for n in COUNTS})  # nothing grows
    found = decima([*queries, odd])
    assert found.count == 4 * (len(COUNTS) - 1) + 4
    # Had the odd query been fitted too, its own errors would vanish.
    assert max(m.ape for m in predicted(odd, found.law)) > 0.1


def test_coverage_takes_its_width_from_other_queries():
    near = [Makespan(1, 20, 100.0, 101.0, 100.0), Makespan(1, 40, 100.0, 99.0, 100.0)]
    far = [Makespan(2, 20, 100.0, 200.0, 100.0)]
    assert coverage(near + far, 0.8) == pytest.approx(2 / 3)


def test_figures_are_medians_by_group():
    errors = [
        HostError("a", 7, 0.1, 0.2),
        HostError("a", 10, 0.3, 0.4),
        HostError("b", 7, 0.5, 0.6),
    ]
    found = gibilisco(errors)
    assert (found.median_ape, found.ernest_median_ape) == (0.3, 0.4)
    assert found.hosts["7"].median_ape == pytest.approx(0.3)
    assert found.applications["b"].ernest_median_ape == 0.6


def a_workload(template, contention, level_s=100.0):
    slots = np.array([4.0, 6.0, 8.0, 16.0, 24.0, 32.0] * 2)
    return Workload(template, slots, level_s * (1 + contention * slots))


def test_contention_that_made_the_work_is_found():
    workloads = [a_workload("1", 0.03), a_workload("3", 0.03, level_s=7.0)]
    assert contention_of(workloads) == pytest.approx(0.03, rel=0.01)


def test_each_template_is_predicted_by_the_others():
    alike = [a_workload(template, 0.03) for template in ("1", "3", "7", "9")]
    errors = work_errors([*alike, a_workload("5", 0.0)])
    assert max(e.ape for e in errors[:-2]) < 0.01 < 0.1 < min(e.ape for e in errors[-2:])
    assert max(e.constant_ape for e in errors[-2:]) < 1e-9


def test_measured_traces_are_whole(shared_data):
    traces = read_traces(shared_data)
    assert len(traces) == 98
    assert all(
        [len(s) for s in stages] == [len(s) for s in traced.task_s[10]]
        for traced in traces
        for stages in traced.task_s.values()
    )
    lost = {(t.size, t.query): max(t.task_s) for t in traces if max(t.task_s) < 100}
    assert lost == {("2g", 6): 13, ("5g", 6): 30, ("10g", 6): 59}


def test_measured_applications_ran_on_four_host_counts(shared_data):
    applications = read_applications(shared_data)
    counts = {name: {run.executor_count for run in runs} for name, runs in applications.items()}
    assert set(counts) == {"ConnectedComponents", "LogisticRegression"}
    assert all(of_one == {3, 5, 7, 10} for of_one in counts.values())


def test_measured_growth_is_predicted(shared_data):
    some = [t for t in read_traces(shared_data) if t.size in {"5g", "50g"}]
    found = decima(some)
    assert found.median_ape <= 0.15
    assert found.median_ape <= found.constant_median_ape / 2


def test_measured_hosts_are_predicted_better_than_by_ernest(shared_data):
    found = gibilisco(host_errors(shared_data))
    for of_one in (found, *found.applications.values()):
        assert of_one.median_ape <= 0.7 * of_one.ernest_median_ape


def test_measured_work_grows_on_other_hardware_too(shared_data):
    found = tpcxbb(read_workloads(shared_data))
    assert found.count == 1156
    assert found.median_ape <= found.constant_median_ape / 2
