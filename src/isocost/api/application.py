"""What is served in, the web application that serves it out."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from isocost import __version__
from isocost.api import experiments, reading, webhooks
from isocost.api.problems import MEDIA_TYPE, add_handlers
from isocost.api.schemas import Problem
from isocost.api.serving import Served

_DESCRIPTION: Final = (
    "Reads what Isocost knows of workspaces, projects and runs, and hears of ended runs. Errors "
    "are `application/problem+json` with a stable `code`."
)
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "content": _PROBLEM}
    for status, text in (
        (401, "The token or secret is missing or wrong."),
        (404, "There is no such thing; the answer names what there is."),
        (422, "The request cannot be understood."),
    )
}
_SECURITY: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "ISOCOST_API_TOKEN"},
    "webhook": {"type": "http", "scheme": "basic", "description": "The webhook secret."},
}


class _Api(FastAPI):
    """The API, whose description names the shape of problems and the two secrets."""

    def openapi(self) -> dict[str, Any]:
        """Return its description."""
        if self.openapi_schema is None:
            schema = get_openapi(
                title=self.title,
                version=self.version,
                description=_DESCRIPTION,
                routes=self.routes,
            )
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            components["securitySchemes"] = _SECURITY
            schema["security"] = [{"token": []}]
            self.openapi_schema = schema
        return self.openapi_schema


def application(served: Served) -> FastAPI:
    """Return the API; FastAPI's own pages of documentation need the network and stay off."""
    app = _Api(
        title="Isocost",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=_PROBLEMS,
    )
    app.include_router(reading.router(served))
    app.include_router(experiments.router(served))
    app.include_router(webhooks.router(served))
    add_handlers(app)
    return app
