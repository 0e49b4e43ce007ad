"""An application and an address in; a web server that answers there, until told to stop, out."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from isocost.errors import InvalidInput

# Whoever is being answered when the server stops gets this long.
_GRACE_S: Final = 5
_MOST_WAITING: Final = 128  # connections not yet accepted; what Linux grants unless told otherwise


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes:
        port: 0 for a free one.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def check_exposure(address: Address, *, token: str, is_remote_allowed: bool) -> None:
    """Raise InvalidInput for a server that others could reach and read without a token."""
    if address.is_loopback:
        return
    if not is_remote_allowed:
        raise InvalidInput(
            f"{address.host} can be reached from other machines. Pass --allow-remote if that is "
            "what you want, and set ISOCOST_API_TOKEN; or listen on 127.0.0.1 behind a proxy."
        )
    if not token:
        raise InvalidInput(
            f"{address.host} can be reached from other machines and no token is set. Set "
            "ISOCOST_API_TOKEN to a long random text; pages and API will ask for it."
        )


class Listener:
    """A server that has its port, and answers once it is told to.

    Attributes:
        url: valid from the beginning: the port is held already.
    """

    def __init__(self, application: ASGIApp, address: Address) -> None:
        """Hold the port; raises InvalidInput where it cannot be had."""
        self._socket = _held(address)
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._server = _Server(
            uvicorn.Config(
                application,
                log_level="warning",
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )

    def serve(self, once_ready: Callable[[], None] = lambda: None) -> None:
        """Serve until a signal or `stop` ends it; `once_ready` is called when it answers."""
        self._server.once_ready = once_ready
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Have it end soon; from any thread."""
        self._server.should_exit = True

    def stop_when(self, is_over: Callable[[], bool], *, period_s: float) -> None:
        """Watch from a thread whether the server has served its purpose, and stop it then."""

        def watch() -> None:
            pause = threading.Event()
            while not is_over():
                pause.wait(period_s)
            self.stop()

        threading.Thread(target=watch, name="purpose watch", daemon=True).start()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.once_ready: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it answers."""
        await super().startup(sockets=sockets)
        self.once_ready()


def _held(address: Address) -> socket.socket:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InvalidInput(
            f"{address.host!r} is no address of this machine: {error.strerror}. Pass --host as a "
            "number, such as 127.0.0.1."
        ) from error
    # IPv4 first: `localhost` is both, and Databricks, browsers and proxies all try it.
    family, _, _, _, where = min(found, key=lambda each: each[0] != socket.AF_INET)
    # asyncio switches Nagle's algorithm off only where the protocol is named; without that each
    # answer waits 40 ms for an acknowledgement.
    held = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(where)
    except OSError as error:
        held.close()
        raise InvalidInput(
            f"Port {address.port} of {address.host} cannot be had: {error.strerror}. Pass another "
            "--port, or 0 for a free one."
        ) from error
    held.listen(_MOST_WAITING)
    return held
