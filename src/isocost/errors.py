"""The error tree: every failure a user can meet, split by who must act.

    IsocostError
    ├── UserError            exit 2   fix the input
    │   ├── NotFound                  a path, experiment, run or project that is not there
    │   ├── NotAnEventLog             bytes that no Spark application wrote
    │   ├── UnreadableLog             an event log whose bytes cannot be decoded at all
    │   ├── UnknownName               a workload or node type nobody defined
    │   ├── ClusterTooLarge           a cluster that the platform cannot run
    │   ├── SpendingLimitReached  exit 4   the next run might cost more than is allowed
    │   └── InvalidInput              any other value out of its range
    ├── PlatformError        exit 3   Spark, Databricks or the cloud said no
    │   ├── RunFailed                 the application ended with an error
    │   ├── RunTimedOut               the application ran past its time limit
    │   ├── MissingDependency         software that the platform needs is not installed
    │   └── Unavailable      exit 4   it failed or cannot be reached for now; try again
    ├── InternalError        exit 1   we broke a promise
    │   └── IllegalTransition         a life-cycle table has no entry for what happened
    └── Busy                 exit 4   somebody else is at it; try again

The message of each says what happened, what was expected, and what to do next.
"""

from typing import ClassVar


class IsocostError(Exception):
    """Root of the tree; `code` is stable, the message is for people."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    is_retryable: ClassVar[bool] = False


class UserError(IsocostError):
    """The input must change before this can work."""

    code = "user_error"
    http_status = 400
    exit_code = 2


class NotFound(UserError):
    """What was named does not exist."""

    code = "not_found"
    http_status = 404


class NotAnEventLog(UserError):
    """The bytes were not written by Spark's event log listener."""

    code = "not_an_event_log"
    http_status = 422


class UnreadableLog(UserError):
    """The file is an event log by its looks, but nothing of it can be decoded."""

    code = "unreadable_log"
    http_status = 422


class UnknownName(UserError):
    """A workload, node type or policy that nobody defined."""

    code = "unknown_name"
    http_status = 422


class ClusterTooLarge(UserError):
    """The platform cannot run a cluster of this size."""

    code = "cluster_too_large"
    http_status = 422


class SpendingLimitReached(UserError):
    """The next run might exceed what a user allows to be spent; it was not started."""

    code = "spending_limit_reached"
    http_status = 409
    exit_code = 4


class InvalidInput(UserError):
    """A value is out of its range or two values contradict each other."""

    code = "invalid_input"
    http_status = 422


class PlatformError(IsocostError):
    """Spark, Databricks or the cloud refused or failed."""

    code = "platform_error"
    http_status = 502
    exit_code = 3


class RunFailed(PlatformError):
    """The application ended with an error."""

    code = "run_failed"


class RunTimedOut(PlatformError):
    """The application was stopped at its time limit."""

    code = "run_timed_out"


class MissingDependency(PlatformError):
    """Software that the platform needs is not installed."""

    code = "missing_dependency"


class Unavailable(PlatformError):
    """The platform failed or cannot be reached; the same may work later."""

    code = "unavailable"
    http_status = 503
    exit_code = 4
    is_retryable = True


class InternalError(IsocostError):
    """A promise of our own was broken; please report it."""

    code = "internal_error"


class IllegalTransition(InternalError):
    """A life-cycle table has no entry for this state and event."""

    code = "illegal_transition"


class Busy(IsocostError):
    """Another process holds what this one needs."""

    code = "busy"
    http_status = 409
    exit_code = 4
    is_retryable = True
