"""The answers with which Databricks refuses a request: status, error code and message."""

from collections.abc import Iterable


class Refusal(Exception):
    """A request that is answered by an error.

    Attributes:
        error_code: Databricks' word; a number where Databricks sends one.
        retry_after_s: sent as `Retry-After` if given.
    """

    def __init__(
        self,
        status: int,
        error_code: str | int,
        message: str,
        *,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.retry_after_s = retry_after_s


def invalid(message: str) -> Refusal:
    """Return the answer to a request that makes no sense."""
    return Refusal(400, "INVALID_PARAMETER_VALUE", message)


def no_such_job(job_id: object) -> Refusal:
    """Return what Databricks says of an unknown job: not 404, and the SDK knows."""
    return invalid(f"Job {job_id} does not exist.")


def no_such_run(run_id: object) -> Refusal:
    """Return what Databricks says of an unknown run."""
    return invalid(f"Run {run_id} does not exist.")


def no_such_cluster(cluster_id: object) -> Refusal:
    """Return what Databricks says of an unknown cluster."""
    return invalid(f"Cluster {cluster_id} does not exist")


def not_found(what: str) -> Refusal:
    """Return the answer about a path, pool, policy or destination that is not there."""
    return Refusal(404, "RESOURCE_DOES_NOT_EXIST", what)


def denied(user_name: str, right: str) -> Refusal:
    """Return the answer to somebody who lacks a right."""
    return Refusal(403, "PERMISSION_DENIED", f"{user_name} does not have {right} permissions.")


def policy_violation(violations: Iterable[str]) -> Refusal:
    """Return the answer to a cluster that its policy forbids."""
    return invalid("Cluster validation error: " + ";\n ".join(violations))
