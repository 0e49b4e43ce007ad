"""A workspace in; what of it the product may use, need by need, out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from isocost.errors import IsocostError, NotFound
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.definitions import log_destination_of, placed_clusters
from isocost.platforms.databricks.logs import can_list
from isocost.platforms.host import Permission

Json = Mapping[str, Any]
Find = Callable[[], object]

_ME: Final = "/api/2.0/preview/scim/v2/Me"
_JOBS: Final = "/api/2.2/jobs/list"
_RUNS: Final = "/api/2.2/jobs/runs/list"
_RIGHTS: Final = "/api/2.0/permissions/jobs/"
_CLUSTERS: Final = "/api/2.1/clusters/list"
_EVENTS: Final = "/api/2.1/clusters/events"
_NODE_TYPES: Final = "/api/2.1/clusters/list-node-types"
_POLICIES: Final = "/api/2.0/policies/clusters/list"
_POOLS: Final = "/api/2.0/instance-pools/list"
_DESTINATIONS: Final = "/api/2.0/notification-destinations"
_WAREHOUSES: Final = "/api/2.0/sql/warehouses"
_STATEMENTS: Final = "/api/2.0/sql/statements"
_TABLE: Final = "system.compute.node_timeline"
_MANAGE: Final = {"CAN_MANAGE", "IS_OWNER"}
_HOLDERS: Final = ("user_name", "group_name", "service_principal_name")
# Log destinations that are looked into; a workspace has few, jobs have many.
_MOST_DESTINATIONS: Final = 5


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the first looks at a workspace found.

    Attributes:
        names: of whom the token belongs to, and of the groups they are in.
    """

    names: frozenset[str]
    databricks_jobs: tuple[Json, ...]


def check(calls: Calls, log_destination: str = "") -> list[Permission]:
    """Return, need by need, what works and what to grant.

    Raises:
        PlatformError: the address is none of a workspace, or the token is not accepted.
        Busy: the workspace asks for patience.
    """
    me = calls.get("asking who the token belongs to", _ME)
    user_name = str(me.get("userName") or "")
    groups = {str(group.get("display")) for group in me.get("groups") or ()}
    definitions, may_list = _jobs(calls)
    seen = _Seen(frozenset({user_name} | groups), definitions)
    return [
        Permission(f"a token that is accepted ({user_name})", is_granted=True),
        may_list,
        *_on_definitions(calls, seen),
        *_on_clusters(calls),
        *_on_workspace(calls),
        *_on_logs(calls, seen, log_destination),
        *_optional(calls),
    ]


def _jobs(calls: Calls) -> tuple[tuple[Json, ...], Permission]:
    views: list[Json] = []
    query = {"limit": 20, "expand_tasks": True}

    def look() -> None:
        views.extend(calls.get("listing databricks jobs", _JOBS, query).get("jobs") or ())

    grant = "CAN VIEW on the databricks jobs to import"
    permission = _tried("list databricks jobs", look, grant)
    if permission.is_granted and not views:
        remedy = f"Grant {grant}: none is visible so far."
        permission = Permission(permission.need, is_granted=False, remedy=remedy)
    return tuple(views), permission


def _on_clusters(calls: Calls) -> Iterator[Permission]:
    found: list[str] = []

    def look() -> None:
        answer = calls.get("listing clusters", _CLUSTERS, {"page_size": 1})
        found.extend(str(each["cluster_id"]) for each in answer.get("clusters") or ())

    yield _tried(
        "see clusters", look, "CAN ATTACH TO on the jobs' clusters (CAN VIEW on the jobs)"
    )
    if found:
        yield _tried(
            "read the events of clusters",
            lambda: _read_events(calls, found[0]),
            "CAN ATTACH TO on the jobs' clusters (CAN VIEW on the jobs)",
        )


def _read_events(calls: Calls, cluster_id: str) -> None:
    body = {"cluster_id": cluster_id, "limit": 1}
    try:
        calls.post("reading the events of a cluster", _EVENTS, body)
    except NotFound:  # it was deleted since it was listed
        return


def _on_definitions(calls: Calls, seen: _Seen) -> Iterator[Permission]:
    if not seen.databricks_jobs:
        return
    query = {"job_id": seen.databricks_jobs[0]["job_id"], "limit": 1}
    yield _tried(
        "read runs of databricks jobs",
        lambda: calls.get("listing runs", _RUNS, query),
        "CAN VIEW on the databricks jobs to import",
    )
    unmanaged = [each for each in seen.databricks_jobs if not _may_manage(calls, each, seen)]
    names = ", ".join(str((each.get("settings") or {}).get("name")) for each in unmanaged[:3])
    rest = ", …" if len(unmanaged) > 3 else ""
    yield Permission(
        "change databricks jobs",
        is_granted=not unmanaged,
        remedy=f"Grant the token's owner CAN MANAGE on the databricks jobs to optimize: {names}"
        f"{rest}."
        if unmanaged
        else "",
    )


def _may_manage(calls: Calls, definition: Json, seen: _Seen) -> bool:
    what = f"reading who may change databricks job {definition['job_id']}"
    try:
        answer = calls.get(what, f"{_RIGHTS}{definition['job_id']}")
    except IsocostError as error:
        if error.is_retryable:
            raise
        return False
    return any(
        right.get("permission_level") in _MANAGE
        for entry in answer.get("access_control_list") or ()
        if seen.names & {str(entry.get(kind)) for kind in _HOLDERS}
        for right in entry.get("all_permissions") or ()
    )


def _on_workspace(calls: Calls) -> Iterator[Permission]:
    yield _tried(
        "list node types",
        lambda: calls.get("listing node types", _NODE_TYPES),
        "workspace access to the token's owner",
    )
    yield _tried(
        "read cluster policies",
        lambda: calls.get("listing cluster policies", _POLICIES),
        "CAN USE on the policies of the jobs' clusters",
    )
    yield _tried(
        "read instance pools",
        lambda: calls.get("listing instance pools", _POOLS),
        "CAN ATTACH TO on the pools of the jobs' clusters",
    )


def _on_logs(calls: Calls, seen: _Seen, log_destination: str) -> Iterator[Permission]:
    places = {log_destination} | {
        log_destination_of(placed.asked)
        for each in seen.databricks_jobs
        for placed in placed_clusters(each.get("settings") or {})
    }
    # A bucket is read with the cloud's own credentials, which the workspace knows nothing of.
    listed = sorted(place for place in places if place.startswith(("dbfs:/", "/Volumes/")))
    for place in listed[:_MOST_DESTINATIONS]:
        look = partial(can_list, calls, place)
        yield _tried(f"read event logs in {place}", look, f"READ VOLUME or read access to {place}")


def _optional(calls: Calls) -> Iterator[Permission]:
    yield _tried(
        "be told of ended runs (without it, the product asks from time to time)",
        lambda: calls.get("listing notification destinations", _DESTINATIONS),
        "the role of workspace admin",
        is_required=False,
    )
    yield _tried(
        "read system tables (without them, costs are at list prices only)",
        lambda: _read_table(calls),
        f"CAN USE on a SQL warehouse and SELECT on {_TABLE} and system.billing.usage",
        is_required=False,
    )


def _read_table(calls: Calls) -> None:
    found = calls.get("listing SQL warehouses", _WAREHOUSES).get("warehouses") or ()
    body = {
        "warehouse_id": next((each["id"] for each in found if each.get("id")), ""),
        "statement": f"SELECT 1 FROM {_TABLE} LIMIT 1",  # noqa: S608  nothing of it comes from outside
        # Less than a check waits for an answer: a stopped warehouse takes minutes to start.
        "wait_timeout": "10s",
    }
    answer = calls.post("reading a system table", _STATEMENTS, body)
    status = answer.get("status") or {}
    if status.get("state") == "FAILED":
        raise _Refused(str((status.get("error") or {}).get("message") or "it failed"))


class _Refused(IsocostError):
    """A statement that the warehouse does not carry out."""


def _tried(need: str, look: Find, grant: str, *, is_required: bool = True) -> Permission:
    try:
        look()
    except IsocostError as error:
        if error.is_retryable:
            raise
        remedy = f"Grant the token's owner {grant}. ({error})"
        return Permission(need, is_granted=False, remedy=remedy, is_required=is_required)
    return Permission(need, is_granted=True, is_required=is_required)
