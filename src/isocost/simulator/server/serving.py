"""A workspace in; its server on a free port of this machine out, in a thread or to the end."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import uvicorn

from isocost.errors import InvalidInput
from isocost.simulator.server.application import WorkspaceServer
from isocost.simulator.server.control_api import OWNER, api_token, control_token
from isocost.simulator.workspace.access import Identity
from isocost.simulator.workspace.workspace import Workspace, WorkspaceOptions

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a simulated workspace is, and what opens it.

    Attributes:
        token: the owner's, for the SDK.
        control_token: for everything under `/sim`.
    """

    url: str
    token: str = field(repr=False)
    control_token: str = field(repr=False)


class RunningServer:
    """A server that has its port, and serves once it is told to.

    Attributes:
        address: valid from the beginning: the port is held already.
    """

    def __init__(self, options: WorkspaceOptions, *, port: int = 0) -> None:
        cloud = options.cloud.value
        own_token, sim_token = api_token(options.seed, cloud), control_token(options.seed, cloud)
        self._workspace = Workspace(options)
        self._workspace.access.tokens[own_token] = Identity(OWNER)
        self._socket = _held(port)
        bound: int = self._socket.getsockname()[1]
        self.address = Address(f"http://{LOOPBACK}:{bound}", own_token, sim_token)
        self._workspace.host = self.address.url
        application = WorkspaceServer(self._workspace, sim_token).application()
        self._server = _QuietServer(
            uvicorn.Config(application, log_level="warning", access_log=False, lifespan="off")
        )

    def serve(self) -> None:
        """Serve until a signal or `stop` ends it."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._workspace.notifications.close()
            self._socket.close()

    def stop(self) -> None:
        """Have it end soon."""
        self._server.should_exit = True

    def wait_until_ready(self, patience_s: float = 10.0) -> None:
        """Wait until it answers.

        Raises:
            TimeoutError: it does not.
        """
        if not self._server.is_ready.wait(patience_s):
            raise TimeoutError(f"The simulated workspace did not start within {patience_s} s.")


class _QuietServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it answers."""
        await super().startup(sockets=sockets)
        self.is_ready.set()


@contextmanager
def serving(
    options: WorkspaceOptions | None = None, *, is_waited_for: bool = True
) -> Iterator[Address]:
    """Serve a workspace from a thread of this process for as long as the block lasts.

    Args:
        options: of the workspace.
        is_waited_for: go on only once the thread is gone, which takes a tenth of a second.
    """
    running = RunningServer(options or WorkspaceOptions())
    thread = threading.Thread(target=running.serve, name="simulated workspace", daemon=True)
    thread.start()
    try:
        running.wait_until_ready()
        yield running.address
    finally:
        running.stop()
        if is_waited_for:
            thread.join()


def run_while(running: RunningServer, once_ready: Callable[[], None]) -> None:
    """Serve until a signal comes; `once_ready` is called from a thread when it answers."""

    def announce() -> None:
        running.wait_until_ready()
        once_ready()

    threading.Thread(target=announce, name="announcement", daemon=True).start()
    running.serve()


def stop_when(running: RunningServer, is_over: Callable[[], bool], *, period_s: float) -> None:
    """Watch from a thread whether the server has served its purpose, and stop it then."""

    def watch() -> None:
        pause = threading.Event()
        while not is_over():
            pause.wait(period_s)
        running.stop()

    threading.Thread(target=watch, name="purpose watch", daemon=True).start()


def _held(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; without that each
    # answer waits 40 ms for an acknowledgement.
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((LOOPBACK, port))
    except OSError as error:
        held.close()
        raise InvalidInput(
            f"Port {port} of {LOOPBACK} cannot be had: {error.strerror}. Leave --port out to get "
            "a free one."
        ) from error
    held.listen()
    return held
