"""Requests of the control plane in: time, jobs to seed, faults and truth; its answers out.

No Databricks workspace has these. They are for tests, demos and the Job Bank, under `/sim` and
with a token of their own.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from isocost.simulator.conditions import Scenario
from isocost.simulator.server.calls import Call, Endpoint, Later
from isocost.simulator.workload import Workload
from isocost.simulator.workspace.access import Identity, Right
from isocost.simulator.workspace.behaviour import Behaviour, Trouble
from isocost.simulator.workspace.estate import EstatePlan, settle_estate
from isocost.simulator.workspace.faults import ApiFault
from isocost.simulator.workspace.log_files import LogTrouble
from isocost.simulator.workspace.refusal import invalid
from isocost.simulator.workspace.truth import truth_of
from isocost.simulator.workspace.values import Json, drawn_id, hex_id

OWNER: Final = "owner@example.com"


def show_state(call: Call) -> Json:
    """Answer what the workspace is and where it stands."""
    workspace = call.workspace
    return {
        "now": workspace.now.isoformat(),
        "cloud": workspace.options.cloud.value,
        "region": workspace.machinery.region,
        "seed": workspace.options.seed,
        "workspace_id": workspace.workspace_id,
        "job_count": len(list(workspace.definitions)),
        "run_count": len(workspace.runs),
        "active_run_ids": [run.run_id for run in workspace.runs.open()],
        "pending_faults": [asdict(fault) for fault in workspace.faults.pending],
    }


def advance(call: Call) -> Later:
    """Move time: by `seconds`, `until` a moment, or at most so far `until_run_ends`.

    With `wait_for_webhooks` the answer comes once all webhooks have been called.
    """
    workspace, body = call.workspace, call.body
    if body.get("until"):
        until = msgspec.convert(body["until"], datetime)
    else:
        until = workspace.now + timedelta(seconds=float(body.get("seconds", 0)))
    if until < workspace.now:
        raise invalid(f"Time goes forward only; it is {workspace.now.isoformat()}.")
    ended = None
    if body.get("until_run_ends"):
        ended = workspace.advance_until_run_ends(until)
    else:
        workspace.advance_to(until)
    answer = {"now": workspace.now.isoformat(), "ended_run_id": ended.run_id if ended else None}
    waits = (workspace.notifications.settle,) if body.get("wait_for_webhooks") else ()
    return Later(lambda: answer, waits)


def seed_jobs(call: Call) -> Json:
    """Create jobs with what they do: `jobs` one by one, or a whole `estate`."""
    workspace = call.workspace
    answer: Json = {"jobs": []}
    for each in call.body.get("jobs") or []:
        made = workspace.create_job(each["settings"], each.get("creator", OWNER))
        workspace.behaviours.set(made.job_id, _behaviour(each))
        answer["jobs"].append({"job_id": made.job_id, "name": made.settings["name"]})
    for policy in call.body.get("policies") or []:
        workspace.policies[policy["policy_id"]] = policy
    for pool in call.body.get("instance_pools") or []:
        workspace.machinery.pools[pool["instance_pool_id"]] = pool
    for cluster in call.body.get("clusters") or []:
        workspace.existing[cluster["cluster_id"]] = cluster
    if call.body.get("estate") is not None:
        plan = _converted(call.body["estate"], EstatePlan)
        answer["jobs"] += [asdict(each) for each in settle_estate(workspace, plan, OWNER)]
    return answer


def set_behaviour(call: Call) -> Json:
    """Say what a databricks job does from now on."""
    job_id = int(call.path_values["job_id"])
    call.workspace.definitions.get(job_id)
    call.workspace.behaviours.set(job_id, _behaviour(call.body))
    return {}


def order_faults(call: Call) -> Json:
    """Order faults of the API; they happen to the next requests, in this order."""
    call.workspace.faults.pending += [
        _converted(each, ApiFault) for each in call.body.get("faults") or []
    ]
    return {"pending": len(call.workspace.faults.pending)}


def drop_faults(call: Call) -> Json:
    """Forget all faults, troubles and edits that are still to come."""
    workspace = call.workspace
    workspace.faults.pending.clear()
    workspace.behaviours.troubles.clear()
    workspace.deliveries.troubles.clear()
    workspace.edits.clear()
    return {}


def order_trouble(call: Call) -> Json:
    """Order trouble for runs: spot storms, a slow platform, no capacity."""
    call.workspace.behaviours.troubles.append(_converted(_window(call), Trouble))
    return {}


def order_log_trouble(call: Call) -> Json:
    """Order trouble for the delivery of logs: late, cut, with a gap, or none at all."""
    call.workspace.deliveries.troubles.append(_converted(_window(call), LogTrouble))
    return {}


def order_edit(call: Call) -> Json:
    """Have somebody else change a databricks job: now, or right after it has been read next."""
    job_id = int(call.path_values["job_id"])
    call.workspace.definitions.get(job_id)
    settings = call.body.get("settings") or {}
    if call.body.get("after_read"):
        call.workspace.edits.setdefault(job_id, []).append(settings)
    else:
        call.workspace.update_job(job_id, settings, call.body.get("fields_to_remove") or [])
    return {}


def add_token(call: Call) -> Json:
    """Make a token that lacks some rights, cannot see some jobs, or expires."""
    body = call.body
    identity = Identity(
        user_name=body.get("user_name", "somebody@example.com"),
        denied=frozenset(_converted(body.get("denied") or [], list[Right])),
        denied_job_ids=frozenset(body.get("denied_job_ids") or []),
        expires_at=_converted(body.get("expires_at"), datetime | None),
    )
    access = call.workspace.access
    token = body.get("token") or "dapi" + hex_id(
        call.workspace.options.seed, "token", len(access.tokens), length=16
    )
    access.tokens[token] = identity
    return {"token": token}


def show_definition(call: Call) -> Json:
    """Answer how often a databricks job was written since it was created, by whomever."""
    found = call.workspace.definitions.get(int(call.path_values["job_id"]))
    return {"job_id": found.job_id, "write_count": found.revision}


def show_truth(call: Call) -> Json:
    """Answer what a run really did and cost, which no Databricks API tells."""
    run = call.workspace.runs.get(int(call.path_values["run_id"]))
    return truth_of(run, call.workspace.machinery)


def show_truths(call: Call) -> Json:
    """Answer the truth of every run that has ended, oldest first."""
    workspace = call.workspace
    ended = [run for run in workspace.runs if run.ended_at is not None and run.skipped is None]
    return {
        "runs": [
            {
                **truth_of(run, workspace.machinery),
                "requested_at": run.requested_at.isoformat(),
                "ended_at": run.ended_at.isoformat() if run.ended_at else None,
                "result": result.value if (result := run.result()) else None,
            }
            for run in ended
        ]
    }


def show_deliveries(call: Call) -> Later:
    """Answer every call of a webhook and what came of it, once all have been made."""
    notifications = call.workspace.notifications
    return Later(
        lambda: {"deliveries": [asdict(each) for each in notifications.deliveries]},
        (notifications.settle,),
    )


def put_file(call: Call) -> Json:
    """Store the body's bytes as a file of DBFS or of a volume."""
    call.workspace.files.put(call.path_values["path"], call.content, call.workspace.now)
    return {}


def _window(call: Call) -> Json:
    """Return the body with its moments: from now on for `seconds`, unless it names them."""
    body = dict(call.body)
    now, seconds = call.workspace.now, float(body.pop("seconds", 24 * 3600))
    body.setdefault("begin_at", now)
    body.setdefault("end_at", now + timedelta(seconds=seconds))
    return body


def _behaviour(body: Json) -> Behaviour:
    return Behaviour(
        workloads=_converted(body.get("workloads") or {}, dict[str, Workload]),
        scenario=_converted(body.get("scenario"), Scenario | None),
    )


def _converted(value: object, kind: Any) -> Any:  # noqa: ANN401  msgspec takes any type
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise invalid(f"{error}") from error


def api_token(seed: int, cloud: str) -> str:
    """Return the token of the workspace's owner, in the form of a personal access token."""
    return f"dapi{drawn_id(seed, cloud, 'api token', digits=18)}"


def control_token(seed: int, cloud: str) -> str:
    """Return the token of the control plane."""
    return f"sim{drawn_id(seed, cloud, 'control token', digits=18)}"


ENDPOINTS: Final = (
    Endpoint("GET", "/sim/state", show_state),
    Endpoint("POST", "/sim/advance", advance),
    Endpoint("POST", "/sim/seed", seed_jobs),
    Endpoint("GET", "/sim/jobs/{job_id}", show_definition),
    Endpoint("PUT", "/sim/jobs/{job_id}/behaviour", set_behaviour),
    Endpoint("POST", "/sim/jobs/{job_id}/edit", order_edit),
    Endpoint("POST", "/sim/faults", order_faults),
    Endpoint("DELETE", "/sim/faults", drop_faults),
    Endpoint("POST", "/sim/troubles", order_trouble),
    Endpoint("POST", "/sim/log-troubles", order_log_trouble),
    Endpoint("POST", "/sim/tokens", add_token),
    Endpoint("GET", "/sim/runs/{run_id}/truth", show_truth),
    Endpoint("GET", "/sim/truths", show_truths),
    Endpoint("GET", "/sim/webhooks", show_deliveries),
    Endpoint("PUT", "/sim/files/{path:path}", put_file),
)
