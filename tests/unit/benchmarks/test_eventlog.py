"""What the benchmark of the event-log reader makes of a real log."""

from benchmarks.eventlog import with_one_task_a_stage

START = b'{"Event":"SparkListenerTaskStart","Stage ID":%d,"Stage Attempt ID":0}\n'
END = b'{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Stage Attempt ID":0}\n'
PLAN = b'{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart"}\n'


def test_one_start_and_one_end_of_each_stage_are_left():
    log = START % 1 + START % 1 + PLAN + END % 1 + START % 2 + END % 1 + END % 2
    left = START % 1 + PLAN + END % 1 + START % 2 + END % 2
    assert with_one_task_a_stage(log) == left


def test_other_events_are_left_as_they_are():
    assert with_one_task_a_stage(PLAN * 3) == PLAN * 3
