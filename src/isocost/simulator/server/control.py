"""The control plane of a simulated workspace from outside: calls in, its answers out."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec

from isocost.errors import InvalidInput
from isocost.simulator.conditions import Scenario
from isocost.simulator.workload import Workload
from isocost.simulator.workspace.estate import EstatePlan

Json = dict[str, Any]
# Some simulated weeks of an estate take minutes.
_PATIENCE_S: Final = 600.0
# A proxy of the environment knows nothing of this machine's own addresses.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WorkspaceControl:
    """Moves time, seeds jobs and orders faults; no Databricks workspace has this.

    Raises from every call:
        InvalidInput: the workspace refuses it.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def state(self) -> Json:
        """Return what the workspace is and where it stands."""
        return self._call("GET", "/sim/state")

    def now(self) -> datetime:
        """Return the time in the workspace."""
        return datetime.fromisoformat(self.state()["now"])

    def advance(
        self,
        by: timedelta | None = None,
        *,
        until: datetime | None = None,
        until_run_ends: bool = False,
        wait_for_webhooks: bool = False,
    ) -> Json:
        """Move time; returns `now` and, if asked to stop at a run's end, `ended_run_id`."""
        body: Json = {"until_run_ends": until_run_ends, "wait_for_webhooks": wait_for_webhooks}
        if until is not None:
            body["until"] = until.isoformat()
        else:
            body["seconds"] = (by or timedelta(0)).total_seconds()
        return self._call("POST", "/sim/advance", body)

    def add_estate(self, plan: EstatePlan) -> list[Json]:
        """Fill the workspace; returns one object for each job, as `estate.SettledJob` has it."""
        found: list[Json] = self._call("POST", "/sim/seed", {"estate": asdict(plan)})["jobs"]
        return found

    def add_job(
        self,
        settings: Mapping[str, Any],
        *,
        workloads: Mapping[str, Workload] | None = None,
        scenario: Scenario | None = None,
    ) -> int:
        """Create a job that does what is told; returns its ID."""
        one = {"settings": dict(settings), **_behaviour(workloads, scenario)}
        answer = self._call("POST", "/sim/seed", {"jobs": [one]})
        return int(answer["jobs"][0]["job_id"])

    def set_behaviour(
        self,
        job_id: int,
        *,
        workloads: Mapping[str, Workload] | None = None,
        scenario: Scenario | None = None,
    ) -> None:
        """Say what a job does from now on."""
        body = _behaviour(workloads, scenario)
        self._call("PUT", f"/sim/jobs/{job_id}/behaviour", body)

    def add(self, **things: list[Json]) -> None:
        """Add `policies`, `instance_pools` or all-purpose `clusters`, each as the API shows it."""
        self._call("POST", "/sim/seed", things)

    def fault(self, **fault: Any) -> None:  # noqa: ANN401  fields of `faults.ApiFault`
        """Order a fault of the API, such as `status=429, retry_after_s=1, times=2`."""
        self._call("POST", "/sim/faults", {"faults": [fault]})

    def clear_faults(self) -> None:
        """Forget all faults, troubles and edits that are still to come."""
        self._call("DELETE", "/sim/faults")

    def trouble(self, **trouble: Any) -> None:  # noqa: ANN401  fields of `behaviour.Trouble`
        """Order trouble for runs, for `seconds` from now or between two moments."""
        self._call("POST", "/sim/troubles", trouble)

    def log_trouble(self, **trouble: Any) -> None:  # noqa: ANN401  fields of `LogTrouble`
        """Order trouble for the delivery of logs."""
        self._call("POST", "/sim/log-troubles", trouble)

    def edit_job(self, job_id: int, settings: Json, *, after_read: bool = False) -> None:
        """Have somebody else change a job: now, or right after it has been read next."""
        body = {"settings": settings, "after_read": after_read}
        self._call("POST", f"/sim/jobs/{job_id}/edit", body)

    def write_count(self, job_id: int) -> int:
        """Return how often a job was written since it was created, by whomever."""
        return int(self._call("GET", f"/sim/jobs/{job_id}")["write_count"])

    def add_token(self, **identity: Any) -> str:  # noqa: ANN401  fields of `access.Identity`
        """Make a token, such as one with `denied=["jobs.read"]`."""
        return str(self._call("POST", "/sim/tokens", identity)["token"])

    def truth(self, run_id: int) -> Json:
        """Return what a run really did and cost."""
        return self._call("GET", f"/sim/runs/{run_id}/truth")

    def truths(self) -> list[Json]:
        """Return the truth of every run that has ended, with its moments and result."""
        found: list[Json] = self._call("GET", "/sim/truths")["runs"]
        return found

    def webhook_deliveries(self) -> list[Json]:
        """Return every call of a webhook, once all have been made."""
        found: list[Json] = self._call("GET", "/sim/webhooks")["deliveries"]
        return found

    def put_file(self, path: str, content: bytes) -> None:
        """Store a file of DBFS or of a volume."""
        self._call("PUT", f"/sim/files/{quote(path.lstrip('/'))}", content)

    def _call(self, method: str, path: str, body: Any = None) -> Json:  # noqa: ANN401  JSON or bytes
        is_bytes = isinstance(body, bytes)
        kind = "application/octet-stream" if is_bytes else "application/json"
        request = urllib.request.Request(  # noqa: S310  the address is the server's own
            self._url + path,
            body if is_bytes else msgspec.json.encode(body or {}),
            {"Authorization": f"Bearer {self._token}", "Content-Type": kind},
            method=method,
        )
        try:
            with _OPENER.open(request, timeout=_PATIENCE_S) as answer:
                found: Json = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise InvalidInput(
                f"The simulated workspace refuses {method} {path}: {said}. Correct the call."
            ) from error


def _behaviour(workloads: Mapping[str, Workload] | None, scenario: Scenario | None) -> Json:
    return {"workloads": dict(workloads or {}), "scenario": scenario}
