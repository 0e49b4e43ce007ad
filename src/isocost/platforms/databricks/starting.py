"""A definition's id in; one run of it, triggered as a person would, out."""

from typing import Final

from isocost.platforms.databricks.connection import Calls

_RUN_NOW: Final = "/api/2.2/jobs/run-now"


def run_now(calls: Calls, definition_id: str, *, token: str) -> str:
    """Trigger a run and return its id; the same `token` never triggers a second one.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    answer = calls.post(
        f"starting databricks job {definition_id}",
        _RUN_NOW,
        {"job_id": int(definition_id), "idempotency_token": token},
        grant="CAN MANAGE RUN on the databricks job",
    )
    return str(answer["run_id"])
