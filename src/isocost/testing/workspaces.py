"""A simulated workspace for a test: served from a thread, used through the official SDK."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from isocost.simulator.server.control import WorkspaceControl
from isocost.simulator.server.serving import Address, serving
from isocost.simulator.workspace.workspace import WorkspaceOptions

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


@contextmanager
def a_workspace(**options: Any) -> Iterator[tuple[Address, WorkspaceControl]]:
    """Serve a workspace while the block lasts; options are those of `WorkspaceOptions`."""
    with serving(WorkspaceOptions(**options)) as address:
        yield address, WorkspaceControl(address.url, address.control_token)


def client_of(address: Address, *, token: str = "", patience_s: int = 30) -> "WorkspaceClient":
    """Return the official SDK's client, with limits that a test can wait for."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    return WorkspaceClient(
        config=Config(
            host=address.url,
            token=token or address.token,
            auth_type="pat",
            retry_timeout_seconds=patience_s,
            http_timeout_seconds=patience_s,
        )
    )
