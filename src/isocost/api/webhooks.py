"""Calls of a workspace that a run has ended in; its project looked after soon, out.

The answer comes at once. What is called says nothing of what happened: the project's look asks the
workspace itself, so a forged, repeated or lost call does no harm.
"""

import json
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from isocost.api import access
from isocost.api.schemas import Heard
from isocost.api.serving import Served
from isocost.errors import InvalidInput, NotFound
from isocost.usecases.watch import project_of_definition

# Databricks sends less than 1 KiB (docs.databricks.com, "Add notifications on a job").
MOST_BODY_BYTES: Final = 65_536
USER_NAME: Final = "isocost"
_STARTS: Final = "jobs.on_start"


def router(served: Served) -> APIRouter:
    """Return the endpoint that workspaces call."""
    routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

    @routes.post(
        "/databricks/{workspace}",
        status_code=202,
        response_model=Heard,
        openapi_extra={"security": [{"webhook": []}]},
    )
    async def databricks(workspace: str, request: Request) -> JSONResponse:
        """Hear that a run of a job has ended.

        Called by a workspace's notification destination, with basic authentication: user
        `isocost` and the workspace's webhook secret. A job that was not imported is ignored.
        """
        authorization = request.headers.get("authorization", "")
        if not await run_in_threadpool(_is_from, served, workspace, authorization):
            raise HTTPException(
                401,
                "This is not the workspace's webhook secret. Add the workspace again, which tells "
                "it the secret: isocost workspace add",
                {"WWW-Authenticate": 'Basic realm="Isocost webhooks"'},
            )
        definition_id = _definition_id(await _body(request))
        project_id = await run_in_threadpool(
            project_of_definition, served.store, workspace, definition_id
        )
        if project_id is not None:
            served.wake(project_id)
        heard = Heard(is_known=project_id is not None, project_id=project_id)
        return JSONResponse(heard.model_dump(), 202)

    return routes


def _is_from(served: Served, workspace: str, authorization: str) -> bool:
    """Whether a call carries the secret of a workspace; false for one that is not known."""
    try:
        secret = served.webhook_secret_of(workspace)
    except NotFound:
        return False
    name, password = access.basic_pair(authorization)
    return access.is_same(secret, password) and access.is_same(USER_NAME, name)


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY_BYTES:
            raise HTTPException(
                413, f"A webhook's body has at most {MOST_BODY_BYTES:,} bytes; this one has more."
            )
    return body


def _definition_id(body: bytes) -> str:
    """Return which definition a call is about; empty where none is to be looked at."""
    try:
        value = json.loads(body)
        if value.get("event_type") == _STARTS:
            return ""
        return str((value.get("job") or {}).get("job_id") or "")
    except (ValueError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            "This is no call of a databricks job's webhook: expected a JSON object with `job` and "
            "in it `job_id`. Point other notifications elsewhere."
        ) from error
