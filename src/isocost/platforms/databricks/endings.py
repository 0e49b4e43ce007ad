"""The state of a run or of a step, as the Jobs API words it, in; how it ended out.

The API states it twice: by `state`, which it calls deprecated, and by `status`, which older
answers lack. The first tells a time limit from a cancellation, so it is preferred while it is
there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Result(Enum):
    """How a run or a step ended; the value continues a sentence about it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "was cancelled"
    SKIPPED = "was skipped"
    HELD_BACK = "was held back"  # what it depends on failed


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a run or a step stands.

    Attributes:
        result: None while it goes on.
        message: the workspace's words; empty if it has none.
    """

    result: Result | None
    message: str = ""


_OVER: Final = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}
_BY_RESULT: Final[Mapping[str, Result]] = {
    "SUCCESS": Result.SUCCEEDED,
    "SUCCESS_WITH_FAILURES": Result.SUCCEEDED,
    "FAILED": Result.FAILED,
    "TIMEDOUT": Result.TIMED_OUT,
    "CANCELED": Result.CANCELLED,
    "MAXIMUM_CONCURRENT_RUNS_REACHED": Result.SKIPPED,
    "EXCLUDED": Result.SKIPPED,
    "DISABLED": Result.SKIPPED,
    "UPSTREAM_FAILED": Result.HELD_BACK,
    "UPSTREAM_CANCELED": Result.HELD_BACK,
}
# Every other termination code names a failure (docs.databricks.com/api, "Get a single job run").
_BY_CODE: Final[Mapping[str, Result]] = {
    "SUCCESS": Result.SUCCEEDED,
    "SUCCESS_WITH_FAILURES": Result.SUCCEEDED,
    "USER_CANCELED": Result.CANCELLED,
    # "The run was canceled by the platform; for example, if the maximum duration was exceeded."
    "CANCELED": Result.TIMED_OUT,
    "SKIPPED": Result.SKIPPED,
    "DISABLED": Result.SKIPPED,
    "MAX_CONCURRENT_RUNS_EXCEEDED": Result.SKIPPED,
    "MAX_JOB_QUEUE_SIZE_EXCEEDED": Result.SKIPPED,
}


def ending_of(view: Mapping[str, Any]) -> Ending:
    """Return how a run or a step of one stands."""
    state = view.get("state") or {}
    if state.get("life_cycle_state"):
        return _by_state(state)
    status = view.get("status") or {}
    details = status.get("termination_details") or {}
    if status.get("state") != "TERMINATED":
        return Ending(None)
    result = _BY_CODE.get(str(details.get("code")), Result.FAILED)
    return Ending(result, str(details.get("message") or ""))


def _by_state(state: Mapping[str, Any]) -> Ending:
    message = str(state.get("state_message") or "")
    if state["life_cycle_state"] not in _OVER:
        return Ending(None, message)
    usual = Result.SKIPPED if state["life_cycle_state"] == "SKIPPED" else Result.FAILED
    return Ending(_BY_RESULT.get(str(state.get("result_state")), usual), message)
