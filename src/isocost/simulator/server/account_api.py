"""Requests about who asks and may, notification destinations and objects in; answers out."""

from typing import Final

from isocost.simulator.server.calls import Answer, Call, Endpoint, page
from isocost.simulator.workspace.access import Right
from isocost.simulator.workspace.refusal import not_found
from isocost.simulator.workspace.values import Json, drawn_id

_PAGE: Final = 100


def me(call: Call) -> Answer:
    """Answer SCIM's `Me`, with the workspace's ID in the header that clients read it from."""
    name = call.identity.user_name
    view: Json = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": str(drawn_id(call.workspace.options.seed, "user", name, digits=16)),
        "userName": name,
        "displayName": name.split("@")[0],
        "active": True,
        "emails": [{"type": "work", "value": name, "primary": True}],
        "groups": [],
    }
    return view


def list_destinations(call: Call) -> Answer:
    """Answer the list of notification destinations, by pages."""
    call.demand(Right.READ_DESTINATIONS)
    views = [each.view() for each in call.workspace.notifications.destinations.values()]
    limit = call.number_or("page_size", _PAGE) or _PAGE
    shown, following, _ = page(views, call.query.get("page_token"), limit)
    answer: Json = {"results": shown}
    return {**answer, "next_page_token": following} if following else answer


def create_destination(call: Call) -> Answer:
    """Answer the creation of a notification destination."""
    call.demand(Right.WRITE_DESTINATIONS)
    return call.workspace.notifications.create(call.body).view()


def get_destination(call: Call) -> Answer:
    """Answer a request for one notification destination."""
    call.demand(Right.READ_DESTINATIONS)
    return call.workspace.notifications.get(call.path_values["id"]).view()


def update_destination(call: Call) -> Answer:
    """Answer a change of a notification destination: of its name, its configuration or both."""
    call.demand(Right.WRITE_DESTINATIONS)
    return call.workspace.notifications.update(call.path_values["id"], call.body).view()


def delete_destination(call: Call) -> Answer:
    """Answer the removal of a notification destination."""
    call.demand(Right.WRITE_DESTINATIONS)
    call.workspace.notifications.get(call.path_values["id"])
    del call.workspace.notifications.destinations[call.path_values["id"]]
    return {}


def object_status(call: Call) -> Answer:
    """Answer `workspace/get-status`: folders that every workspace has, and notebooks in use."""
    path = call.text("path").rstrip("/") or "/"
    if path in {"/", "/Users", "/Shared", "/Workspace", f"/Users/{call.identity.user_name}"}:
        return {"path": path, "object_type": "DIRECTORY", "object_id": _object_id(call, path)}
    for each in call.workspace.definitions:
        for entry in each.settings.get("tasks") or []:
            if (entry.get("notebook_task") or {}).get("notebook_path") == path:
                view = {"path": path, "object_type": "NOTEBOOK", "language": "PYTHON"}
                return {**view, "object_id": _object_id(call, path)}
    raise not_found(f"Path ({path}) doesn't exist.")


def _object_id(call: Call, path: str) -> int:
    return drawn_id(call.workspace.options.seed, "object", path)


def job_rights(call: Call) -> Answer:
    """Answer who may do what with a databricks job: here, whoever asks."""
    job_id = call.path_values["id"]
    if not job_id.isdigit():
        raise not_found(f"Job {job_id} does not exist.")
    call.demand(Right.READ_JOBS, int(job_id))
    call.workspace.definitions.get(int(job_id))
    level = "CAN_VIEW" if Right.WRITE_JOBS in call.identity.denied else "CAN_MANAGE"
    rights = [{"permission_level": level, "inherited": False}]
    entry: Json = {"user_name": call.identity.user_name, "all_permissions": rights}
    return {"object_id": f"/jobs/{job_id}", "object_type": "job", "access_control_list": [entry]}


def well_known(call: Call) -> Answer:
    """Answer what clients ask of a host before anything else; needs no token."""
    cloud = call.workspace.options.cloud.value.upper()
    return {
        "oidc_endpoint": f"{call.workspace.host}/oidc",
        "workspace_id": str(call.workspace.workspace_id),
        "cloud": cloud,
    }


_DESTINATIONS: Final = "/api/{version}/notification-destinations"
ENDPOINTS: Final = (
    Endpoint("GET", "/api/{version}/preview/scim/v2/Me", me),
    Endpoint("GET", _DESTINATIONS, list_destinations),
    Endpoint("POST", _DESTINATIONS, create_destination),
    Endpoint("GET", _DESTINATIONS + "/{id}", get_destination),
    Endpoint("PATCH", _DESTINATIONS + "/{id}", update_destination),
    Endpoint("DELETE", _DESTINATIONS + "/{id}", delete_destination),
    Endpoint("GET", "/api/{version}/workspace/get-status", object_status),
    Endpoint("GET", "/api/{version}/permissions/jobs/{id}", job_rights),
)
OPEN_ENDPOINTS: Final = (Endpoint("GET", "/.well-known/databricks-config", well_known),)
