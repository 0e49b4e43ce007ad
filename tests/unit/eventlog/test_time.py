"""Driver time, core time, the critical path and the runtime with unlimited cores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.profile import CriticalStep, ExecutorSpan
from isocost.eventlog.critical import StageOrder
from isocost.eventlog.timeline import RunningStage, core_time, driver_s
from isocost.testing.nouns import a_stage


def ran(stage_id, begin_s, end_s, *, source_ids=(), spark_job_id=0, longest_s=None):
    return a_stage(
        stage_id,
        longest_s if longest_s is not None else end_s - begin_s,
        submitted_s=begin_s,
        completed_s=end_s,
        source_ids=source_ids,
        spark_job_id=spark_job_id,
    )


def test_driver_time_is_what_no_stage_covers():
    stages = [ran(0, 1.0, 3.0), ran(1, 2.0, 4.0), ran(2, 6.0, 7.0)]
    assert driver_s(stages, 10.0) == 1.0 + 2.0 + 3.0


def test_stage_without_an_end_covers_the_rest():
    assert driver_s([a_stage(0, submitted_s=4.0, completed_s=None)], 10.0) == 4.0


def test_stage_beyond_the_runtime_counts_only_within():
    assert driver_s([ran(0, 8.0, 99.0)], 10.0) == 8.0


def test_critical_path_follows_the_last_source():
    stages = [ran(0, 0.0, 2.0), ran(1, 0.0, 5.0), ran(2, 5.0, 6.0, source_ids=(0, 1))]
    assert StageOrder(stages).critical_path() == (CriticalStep(1, 0, 5.0), CriticalStep(2, 0, 1.0))


def test_first_stage_of_a_spark_job_waits_for_whatever_completed_last():
    stages = [
        ran(0, 0.0, 2.0, spark_job_id=0),
        ran(1, 0.0, 3.0, spark_job_id=1),
        ran(2, 4.0, 5.0, spark_job_id=2, source_ids=(0,)),
    ]
    assert [s.stage_id for s in StageOrder(stages).critical_path()] == [1, 2]


def test_ideal_runtime_keeps_driver_time_and_the_longest_task():
    stages = [
        ran(0, 1.0, 5.0, longest_s=1.0),
        ran(1, 5.0, 9.0, source_ids=(0,), longest_s=0.5),
        ran(2, 10.0, 12.0, spark_job_id=1, longest_s=2.0),
    ]
    assert StageOrder(stages).ideal_runtime_s(13.0) == 1.0 + 1.0 + 0.5 + 1.0 + 2.0 + 1.0


def test_application_without_stages_has_no_path_and_no_ideal():
    assert StageOrder([]).critical_path() == ()
    assert StageOrder([]).ideal_runtime_s(5.0) is None


times = st.integers(0, 50).map(float)
stages_of = st.lists(
    st.tuples(times, times, st.integers(0, 3), st.sets(st.integers(0, 9), max_size=3)), max_size=12
)


@given(stages_of)
def test_path_ends_and_never_overlaps_whatever_the_times(rows):
    stages = [
        ran(i, b, b + d, spark_job_id=job, source_ids=tuple(s))
        for i, (b, d, job, s) in enumerate(rows)
    ]
    order, end_s = StageOrder(stages), 120.0
    path = order.critical_path()
    assert len({(s.stage_id, s.attempt_id) for s in path}) == len(path)
    assert sum(step.seconds for step in path) <= end_s
    assert (order.ideal_runtime_s(end_s) or 0.0) <= end_s


EXECUTOR = ExecutorSpan("1", "h", 4, 0.0, None)


def busy(*intervals):
    """Core-seconds before each time, of spark tasks that took one core."""
    return lambda times: [
        sum(max(0.0, min(end, t) - begin) for begin, end in intervals) for t in times
    ]


def test_core_time_is_split_by_what_the_cores_wait_for():
    stage = RunningStage(begin_s=2.0, launched_s=4.0, end_s=8.0, core_count=4)
    spans = [(2.0, 4.0)] * 3 + [(4.0, 8.0)]
    time = core_time([stage], [EXECUTOR], 10.0, busy_core_s_until=busy(*spans))
    assert (time.total_core_s, time.busy_core_s) == (40.0, 10.0)
    assert time.driver_core_s == 4 * 4.0
    assert time.idle_core_s == 2.0
    assert time.skew_core_s == 12.0


def test_cores_that_never_had_a_task_are_idle_and_not_skewed():
    stage = RunningStage(begin_s=0.0, launched_s=0.0, end_s=10.0, core_count=1)
    time = core_time([stage], [EXECUTOR], 10.0, busy_core_s_until=busy((0.0, 10.0)))
    assert (time.busy_core_s, time.skew_core_s, time.idle_core_s) == (10.0, 0.0, 30.0)


def test_executor_counts_from_arrival_to_leave():
    late = ExecutorSpan("2", "h", 2, 4.0, 9.0)
    time = core_time([], [EXECUTOR, late], 10.0, busy_core_s_until=busy())
    assert time.total_core_s == 40.0 + 10.0
    assert time.driver_core_s == time.total_core_s


@given(stages_of, st.lists(st.tuples(times, times, st.integers(1, 8)), max_size=6))
def test_parts_always_add_up_to_the_whole(rows, machines):
    stages = [RunningStage(b, b + d / 2, b + d, 3.0) for b, d, _, _ in rows]
    spans = [(b, b + d) for b, d, _, _ in rows]
    executors = [ExecutorSpan(str(i), "h", c, b, b + d) for i, (b, d, c) in enumerate(machines)]
    time = core_time(stages, executors, 60.0, busy_core_s_until=busy(*spans))
    parts = (time.busy_core_s, time.driver_core_s, time.skew_core_s, time.idle_core_s)
    assert sum(parts) == pytest.approx(time.total_core_s)
    assert min(parts) >= -1e-9
