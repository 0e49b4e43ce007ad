"""A store in, the pages a browser sees out; stateless, and without anything from the network."""

import gzip
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from typing import Final

from plotly.offline import get_plotlyjs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from isocost.errors import IsocostError
from isocost.store.base import Store
from isocost.usecases.project_history import project_history, project_summaries
from isocost.usecases.report import NodeTypesOf
from isocost.web.experiments import ExperimentPages
from isocost.web.rendering import page, static_text
from isocost.web.report import tiles

API_PREFIX: Final = "/v1/"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_OURS: Final = ("isocost.css", "isocost.js")
_PLOTLY: Final = "plotly.min.js"
# Plotly writes styles into the page; nothing else of a page may come from elsewhere or run inline.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_LOG: Final = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def pages(store: Store, *, node_types_of: NodeTypesOf = lambda _: ()) -> Starlette:
    """Return the application that serves the pages.

    Args:
        store: that is shown.
        node_types_of: what can be rented on the platform of an experiment's plan; without it
            experiments are shown less what depends on machines' sizes.
    """
    experiments = ExperimentPages(store, node_types_of)
    routes = [
        Route("/", _html(lambda _: projects_page(store))),
        Route(
            "/projects/{project_id}", _html(lambda r: project_page(store, _named(r, "project_id")))
        ),
        Route("/experiments", _html(lambda _: experiments.all())),
        Route(
            "/experiments/{name}/against/{other}",
            _html(lambda r: experiments.two(_named(r, "name"), _named(r, "other"))),
        ),
        Route("/experiments/{name}", _html(lambda r: experiments.one(_named(r, "name")))),
        Route("/static/{name}", _static),
    ]
    handlers = {IsocostError: _our_error, HTTPException: _routing_error, Exception: _defect}
    return Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]


def beside(api: ASGIApp, pages_app: ASGIApp) -> ASGIApp:
    """Return one application of the two: what begins with `/v1/` is the API's."""

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith(API_PREFIX)
        await (api if is_api else pages_app)(scope, receive, send)

    return both


def projects_page(store: Store) -> str:
    """Return the page of all projects."""
    summaries = project_summaries(store)
    with store.transaction(read_only=True) as tx:
        workspaces = tx.workspaces()
    views = [each.view for each in summaries]
    return page("projects.html", summaries=summaries, workspaces=workspaces, tiles=tiles(views))


def project_page(store: Store, project_id: str) -> str:
    """Return the page of one project; raises NotFound."""
    with store.transaction(read_only=True) as tx:
        history = project_history(tx, project_id)
    return page("project.html", history=history)


def _named(request: Request, parameter: str) -> str:
    return str(request.path_params[parameter])


def _html(make: Callable[[Request], str]) -> Endpoint:
    async def serve(request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(make, request), headers=_HEADERS)

    return serve


async def _static(request: Request) -> Response:
    name = str(request.path_params["name"])
    if name not in {*_OURS, _PLOTLY}:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {"Cache-Control": "max-age=3600", **_HEADERS}
    media_type = _TYPES[name[name.rindex(".") :]]
    if name == _PLOTLY:
        headers["Content-Encoding"] = "gzip"
        content = await run_in_threadpool(_plotly)
        return Response(content, headers=headers, media_type=media_type)
    return Response(static_text(name), headers=headers, media_type=media_type)


@cache
def _plotly() -> bytes:
    """Return Plotly's script from its own package, 4.8 MB of it as 1.4; every browser unpacks."""
    return gzip.compress(get_plotlyjs().encode())


async def _our_error(_: Request, error: IsocostError) -> Response:
    return _problem(error.http_status, str(error))


async def _routing_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _problem(HTTPStatus.NOT_FOUND, f"There is no page at {request.url.path}.")
    return _problem(error.status_code, str(error.detail))


async def _defect(request: Request, error: Exception) -> Response:
    _LOG.error("page failed path=%s", request.url.path, exc_info=error)
    return _problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The server failed at this page. Its log says more; please report it.",
    )


def _problem(status: int, detail: str) -> Response:
    title = HTTPStatus(status).phrase
    html = page("problem.html", title=title, detail=detail)
    return HTMLResponse(html, status, headers=_HEADERS)
