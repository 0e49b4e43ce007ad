"""How the Jobs API's words for the end of a run are read."""

import pytest

from isocost.platforms.databricks.endings import Result, ending_of


def by_state(life_cycle, result=None, message=""):
    state = {"life_cycle_state": life_cycle, "result_state": result, "state_message": message}
    return ending_of({"state": state})


def by_status(code, message=""):
    details = {"code": code, "message": message}
    return ending_of({"status": {"state": "TERMINATED", "termination_details": details}})


@pytest.mark.parametrize(
    ("life_cycle", "result", "expected"),
    [
        ("TERMINATED", "SUCCESS", Result.SUCCEEDED),
        ("TERMINATED", "SUCCESS_WITH_FAILURES", Result.SUCCEEDED),
        ("TERMINATED", "FAILED", Result.FAILED),
        ("TERMINATED", "TIMEDOUT", Result.TIMED_OUT),
        ("TERMINATED", "CANCELED", Result.CANCELLED),
        ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", Result.SKIPPED),
        ("SKIPPED", "UPSTREAM_FAILED", Result.HELD_BACK),
        ("SKIPPED", None, Result.SKIPPED),
        ("INTERNAL_ERROR", None, Result.FAILED),
        ("TERMINATED", "A_WORD_OF_NEXT_YEAR", Result.FAILED),
        ("RUNNING", None, None),
        ("QUEUED", None, None),
    ],
)
def test_the_old_state_tells_the_result(life_cycle, result, expected):
    assert by_state(life_cycle, result).result is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("SUCCESS", Result.SUCCEEDED),
        ("USER_CANCELED", Result.CANCELLED),
        ("CANCELED", Result.TIMED_OUT),
        ("SKIPPED", Result.SKIPPED),
        ("DRIVER_ERROR", Result.FAILED),
        ("CLUSTER_REQUEST_LIMIT_EXCEEDED", Result.FAILED),
    ],
)
def test_the_new_status_tells_the_result(code, expected):
    assert by_status(code).result is expected


def test_a_status_that_goes_on_has_no_result():
    assert ending_of({"status": {"state": "RUNNING"}}).result is None


def test_the_state_goes_before_the_status():
    both = {
        "state": {"life_cycle_state": "TERMINATED", "result_state": "TIMEDOUT"},
        "status": {"state": "TERMINATED", "termination_details": {"code": "USER_CANCELED"}},
    }
    assert ending_of(both).result is Result.TIMED_OUT


def test_the_message_is_kept():
    assert by_status("DRIVER_ERROR", "The driver is gone.").message == "The driver is gone."
