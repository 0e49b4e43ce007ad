"""Long stack traces become a few telling lines."""

from isocost.platforms.spark_local import failures

JAVA = """An error occurred while calling o1.save.
: org.apache.spark.SparkException: Job aborted due to stage failure: Lost task 0.3
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2)
Driver stacktrace:
\tat java.base/java.lang.Thread.run(Thread.java:1)
Caused by: java.lang.OutOfMemoryError: Java heap space
\t... 12 more"""


def test_reason_names_error_and_last_cause():
    told = failures.reason(RuntimeError(JAVA))
    assert "Job aborted due to stage failure" in told
    assert told.splitlines()[-1] == "Caused by: java.lang.OutOfMemoryError: Java heap space"


def test_reason_holds_no_stack_frame():
    assert "\tat " not in failures.reason(RuntimeError(JAVA))


def test_reason_stays_short():
    told = failures.reason(RuntimeError("\n".join(f"line {n} " + "x" * 999 for n in range(99))))
    assert len(told.splitlines()) <= 6
    assert len(told) < 2000


def test_last_lines_pass_over_stack_frames(tmp_path):
    log = tmp_path / "spark.log"
    log.write_text("first\n" + "\tat a.b.C(D.scala:1)\n" * 500 + "last\n")
    assert failures.last_lines(log) == "first\nlast"


def test_last_lines_are_the_last(tmp_path):
    log = tmp_path / "spark.log"
    log.write_text("\n".join(f"line {n}" for n in range(1000)))
    lines = failures.last_lines(log).splitlines()
    assert lines[-1] == "line 999"
    assert len(lines) == 12


def test_absent_log_is_said_to_be_absent(tmp_path):
    assert "Spark wrote nothing" in failures.with_log("It failed.", tmp_path / "spark.log")
