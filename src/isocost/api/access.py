"""Requests in; those of whoever may ask go on, all others are answered 401 or 403.

There are no user accounts yet. Without a token, only names of this machine are taken as `Host`, so
that no page of another site can reach the server through a visitor's browser. With one, everything
but webhooks (they have a secret each) and health asks for it, as a bearer token or as the password
that a browser asks for.
"""

import base64
import binascii
import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from isocost.api.problems import problem

OPEN_PREFIXES: Final = ("/v1/webhooks/", "/v1/health")
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Isocost", charset="UTF-8"'}


class Access:
    """ASGI middleware; see the caption."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] != "http" or scope["path"].startswith(OPEN_PREFIXES):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._token:
            if not is_same(self._token, credential(headers.get("authorization", ""))):
                detail = (
                    "This needs the token that the server was started with (ISOCOST_API_TOKEN): "
                    "as a bearer token, or in a browser as the password with any user name."
                )
                await problem(401, detail, headers=_CHALLENGE)(scope, receive, send)
                return
        elif _host_name(headers.get("host", "")) not in _LOCAL_NAMES:
            detail = (
                f"Host {headers.get('host', '')!r} is no name of this machine. Open the address "
                "that the server printed, or set ISOCOST_API_TOKEN and start it again."
            )
            await problem(403, detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def credential(authorization: str) -> str:
    """Return the bearer token or the password of a header; empty where it holds neither."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return basic_pair(authorization)[1]


def basic_pair(authorization: str) -> tuple[str, str]:
    """Return the user name and password of a header; empty ones where it holds none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return name, password


def is_same(secret: str, given: str) -> bool:
    """Compare two secrets in a time that tells nothing of where they differ."""
    return hmac.compare_digest(secret.encode(), given.encode(errors="replace"))


def _host_name(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host
