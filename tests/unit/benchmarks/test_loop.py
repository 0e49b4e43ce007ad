"""The loop's benchmark asks for what it says, and splits what it measured by steps."""

import pytest

from benchmarks.loop import SPARK_TASKS, Stopwatch, _by_step, a_workload
from isocost.usecases.loop import LoopStep


@pytest.mark.parametrize(("log_mb", "executions"), [(0.1, 1), (10.0, 6), (100.0, 63)])
def test_workload_grows_with_the_log(log_mb, executions):
    workload = a_workload(log_mb)
    assert len(workload.sql_executions) == executions
    assert sum(s.spark_task_count for s in workload.stages) == executions * sum(SPARK_TASKS)


def test_step_told_twice_is_summed():
    watch = Stopwatch()
    watch.start()
    watch.tell(LoopStep.LISTED, "p-1")
    first = watch.laps["listed"]
    watch.tell(LoopStep.LISTED, "p-1")
    watch.lap("rest")
    assert list(watch.laps) == ["listed", "rest"]
    assert watch.laps["listed"][0] > first[0]


def test_iterations_without_a_step_do_not_count_for_it():
    laps = [{"read": (1.0, 0.5)}, {"read": (3.0, 0.7), "change_planned": (9.0, 8.0)}]
    assert _by_step(laps, 0) == {"read": 2.0, "change_planned": 9.0}
    assert _by_step(laps, 1)["change_planned"] == 8.0
