"""Endpoints and a workspace in, the web application that serves them out."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from isocost.errors import IsocostError
from isocost.simulator.server import (
    account_api,
    compute_api,
    control_api,
    files_api,
    jobs_api,
    sql_api,
)
from isocost.simulator.server.calls import Answer, Bytes, Call, Endpoint, Later
from isocost.simulator.workspace.access import Identity
from isocost.simulator.workspace.refusal import Refusal, invalid
from isocost.simulator.workspace.statements import Statements
from isocost.simulator.workspace.workspace import Workspace

DATABRICKS_ENDPOINTS: Final = (
    *jobs_api.ENDPOINTS,
    *compute_api.ENDPOINTS,
    *files_api.ENDPOINTS,
    *account_api.ENDPOINTS,
)
_NOBODY: Final = Identity("nobody")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")

Admission = Callable[["_Sent"], Identity]


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request as it came."""

    method: str
    path: str
    path_values: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes


class WorkspaceServer:
    """Answers requests to one workspace; handlers run in threads, one at a time."""

    def __init__(self, workspace: Workspace, control_token: str) -> None:
        self._workspace = workspace
        self._control_token = control_token

    def application(self) -> Starlette:
        """Return what a web server serves."""
        warehouse = sql_api.SqlApi(Statements(self._workspace))
        routes = [
            *self._routes(DATABRICKS_ENDPOINTS, self._user),
            *self._routes(warehouse.endpoints(), self._user),
            *self._routes(account_api.OPEN_ENDPOINTS, lambda _: _NOBODY),
            *self._routes(control_api.ENDPOINTS, self._controller),
            Route("/{path:path}", _unknown, methods=list(_METHODS)),
        ]
        return Starlette(routes=routes)

    def _routes(self, endpoints: Iterable[Endpoint], admit: Admission) -> list[Route]:
        return [
            _exact_route(path, endpoint.method, self._served(endpoint, version, admit))
            for endpoint in endpoints
            for version, path in _paths(endpoint)
        ]

    def _served(self, endpoint: Endpoint, version: str, admit: Admission) -> Callable[..., Any]:
        async def serve(request: Request) -> Response:
            sent = _Sent(
                request.method,
                request.url.path,
                path_values=request.path_params,
                query=dict(request.query_params),
                headers=request.headers,
                content=await request.body(),
            )
            return await run_in_threadpool(self._answer, endpoint, version, sent=sent, admit=admit)

        return serve

    def _answer(
        self, endpoint: Endpoint, version: str, *, sent: _Sent, admit: Admission
    ) -> Response:
        try:
            identity = admit(sent)
            with self._workspace.lock:
                self._workspace.catch_up()
                call = Call(
                    self._workspace,
                    identity,
                    version,
                    path_values=sent.path_values,
                    query=sent.query,
                    body=_body(sent),
                    headers=sent.headers,
                    content=sent.content,
                )
                answer = endpoint.handler(call)
            # Waiting is done without the lock: whom the workspace calls may call it back.
            for wait in answer.waits if isinstance(answer, Later) else ():
                wait()
            return self._response(answer)
        except Refusal as refusal:
            return _refused(refusal)
        except IsocostError as error:
            return _refused(invalid(str(error)))

    def _user(self, sent: _Sent) -> Identity:
        """Let the faults that are ordered happen, then check the token."""
        workspace = self._workspace
        with workspace.lock:
            query = urlencode(sorted(sent.query.items()))
            fault = workspace.faults.next_for(sent.method, sent.path, query)
        if fault is not None:
            time.sleep(fault.delay_s)
            refusal = fault.refusal()
            if refusal is not None:
                raise refusal
        with workspace.lock:
            return workspace.access.identity(sent.headers.get("authorization"), workspace.now)

    def _controller(self, sent: _Sent) -> Identity:
        if sent.headers.get("authorization") != f"Bearer {self._control_token}":
            raise Refusal(401, "UNAUTHENTICATED", "The control plane takes its own token.")
        return _NOBODY

    def _response(self, answer: Answer) -> Response:
        # The SDK and Databricks Connect read the workspace's ID from this header.
        common = {"X-Databricks-Org-Id": str(self._workspace.workspace_id)}
        if isinstance(answer, Bytes):
            return Response(answer.content, answer.status, {**common, **answer.headers})
        value = answer.value() if isinstance(answer, Later) else answer
        return _json(value, 200, common)


def _paths(endpoint: Endpoint) -> list[tuple[str, str]]:
    if "{version}" not in endpoint.path:
        return [("", endpoint.path)]
    return [(v, endpoint.path.replace("{version}", v)) for v in endpoint.versions]


def _exact_route(path: str, method: str, serve: Callable[..., Any]) -> Route:
    """Return a route for one method: Starlette answers HEAD wherever it answers GET."""
    route = Route(path, serve, methods=[method])
    route.methods = {method}
    return route


async def _unknown(request: Request) -> Response:
    path = request.url.path
    return _refused(
        Refusal(404, "ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {path}'")
    )


def _body(sent: _Sent) -> dict[str, Any]:
    if not sent.content or "json" not in sent.headers.get("content-type", "json"):
        return {}
    try:
        value = json.loads(sent.content)
    except ValueError as error:
        raise Refusal(400, "MALFORMED_REQUEST", "Could not parse request object.") from error
    if not isinstance(value, dict):
        raise Refusal(400, "MALFORMED_REQUEST", "Could not parse request object.")
    return value


def _refused(refusal: Refusal) -> Response:
    headers = {}
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    value = {"error_code": refusal.error_code, "message": refusal.message}
    return _json(value, refusal.status, headers)


def _json(value: object, status: int, headers: Mapping[str, str]) -> Response:
    return Response(json.dumps(value), status, headers, media_type="application/json")
