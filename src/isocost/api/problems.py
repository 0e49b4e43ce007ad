"""Errors in, `application/problem+json` (RFC 9457) with our `code` out."""

import logging
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from isocost.errors import InternalError, InvalidInput, IsocostError, NotFound

MEDIA_TYPE: Final = "application/problem+json"
_LOG: Final = logging.getLogger(__name__)
_CODES: Final = {
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: NotFound.code,
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
}


def problem(
    status: int, detail: str, *, code: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return an answer that says what went wrong."""
    found = HTTPStatus(status)
    body = {
        "type": "about:blank",
        "title": found.phrase,
        "status": status,
        "detail": detail,
        "code": code or _CODES.get(found, "error"),
    }
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Have every error of the application told as a problem."""

    @app.exception_handler(IsocostError)
    def _ours(_: Request, error: IsocostError) -> JSONResponse:
        headers = {"Retry-After": "5"} if error.is_retryable else None
        return problem(error.http_status, str(error), code=error.code, headers=headers)

    @app.exception_handler(HTTPException)
    def _routing(request: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"There is nothing at {request.url.path}. See /v1/openapi.json for what is."
        return problem(error.status_code, detail, headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def _input(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        return problem(InvalidInput.http_status, f"{faults}.", code=InvalidInput.code)

    @app.exception_handler(Exception)
    def _defect(request: Request, error: Exception) -> JSONResponse:
        _LOG.error("request failed path=%s", request.url.path, exc_info=error)
        detail = "The server failed at this. Its log says more; please report it."
        return problem(InternalError.http_status, detail, code=InternalError.code)
