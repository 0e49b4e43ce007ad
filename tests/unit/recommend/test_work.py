"""Work is what an application had to do: once, per input, on a common kind of core."""

from dataclasses import replace
from math import log

import pytest

from isocost.domain.profile import CachedRdd, StageStatus, TaskTotals
from isocost.recommend.work import input_bytes_of, ratio, work_of
from isocost.testing.nouns import a_profile, a_stage
from tests.unit.model.clusters import COMPUTE, GENERAL


def a_read(stage_id=0, *, cpu_s=90.0, read=1000, driver_s=10.0, **changes):
    """Return the work of one stage of ten spark tasks on a general node."""
    totals = TaskTotals(
        executor_run_s=100.0, executor_cpu_s=cpu_s, input_bytes=read, duration_s=100.0
    )
    stage = a_stage(stage_id, *[10.0] * 10, totals=totals, **changes)
    return work_of(a_profile(stage, driver_s=driver_s), GENERAL)


def test_same_run_has_no_other_work():
    found = ratio(a_read(), a_read())
    assert (found.cpu, found.run, found.whole_run, found.driver) == (0.0, 0.0, 0.0, 0.0)


def test_more_processor_time_is_more_work():
    assert ratio(a_read(cpu_s=45.0), a_read()).cpu == pytest.approx(log(0.5))


def test_work_is_per_input():
    assert ratio(a_read(cpu_s=180.0, read=2000), a_read()).cpu == pytest.approx(0.0)


def test_faster_cores_do_the_same_work_in_fewer_seconds():
    profile = a_profile(a_stage(0, totals=TaskTotals(executor_run_s=10.0, duration_s=10.0)))
    on_compute, on_general = work_of(profile, COMPUTE).run_s, work_of(profile, GENERAL).run_s
    assert on_compute / on_general == pytest.approx(64 / 56)


def test_node_without_a_known_speed_counts_as_the_reference():
    profile = a_profile(a_stage(0, totals=TaskTotals(executor_run_s=10.0, duration_s=10.0)))
    assert work_of(profile, replace(GENERAL, coremark=None)).run_s == 10.0


def test_stage_that_ran_again_counts_once():
    totals = TaskTotals(executor_run_s=100.0, duration_s=100.0)
    first = a_stage(0, *[10.0] * 10, totals=totals)
    again = a_stage(0, *[10.0] * 10, attempt_id=1, totals=totals)
    work = work_of(a_profile(first, again), GENERAL)
    assert work.run_s == pytest.approx(2 * work.once_run_s)


def test_stage_that_never_succeeded_is_left_out():
    assert not a_read(status=StageStatus.FAILED).stages


def test_stages_of_one_name_are_told_apart_by_their_order():
    totals = TaskTotals(executor_run_s=1.0, duration_s=1.0)
    stages = [a_stage(number, name="count", totals=totals) for number in (4, 7)]
    assert set(work_of(a_profile(*stages), GENERAL).stages) == {("count", 0), ("count", 1)}


def test_driver_that_did_next_to_nothing_says_nothing():
    assert ratio(a_read(driver_s=0.5), a_read()).driver is None


def test_without_processor_time_in_the_log_only_run_time_counts():
    profile = a_profile(
        a_stage(0, *[1.0] * 10, totals=TaskTotals(executor_run_s=10.0, duration_s=10.0)),
        is_cpu_known=False,
    )
    found = ratio(work_of(profile, GENERAL), work_of(profile, GENERAL))
    assert (found.cpu, found.run) == (None, 0.0)


def test_what_fell_out_of_a_cache_is_not_read_twice():
    def reading(stage_id, read):
        totals = TaskTotals(input_bytes=read, duration_s=10.0)
        return a_stage(stage_id, *[1.0] * 10, totals=totals)

    cache = CachedRdd(0, "InMemoryTableScan", 10, 6, None, None, is_unpersisted=False)
    stages = [reading(0, 1000), reading(1, 600)]
    assert input_bytes_of(a_profile(*stages, cached_rdds=(cache,))) == 1000
    assert input_bytes_of(a_profile(*stages)) == 1600
    assert input_bytes_of(a_profile()) is None
