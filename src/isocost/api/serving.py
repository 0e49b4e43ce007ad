"""What the server's endpoints work with, as one value."""

from collections.abc import Callable
from dataclasses import dataclass, field

from isocost.store.base import Store
from isocost.usecases.watch import Pulse


@dataclass(frozen=True, slots=True)
class Served:
    """What is behind the endpoints.

    Attributes:
        wake: has a project looked after soon; returns at once.
        pulse: how looking after projects is going.
        webhook_secret_of: a workspace's, by name; raises NotFound if it has none.
        token: that everything but webhooks and health asks for; empty where only this machine's
            own users can reach the server.
    """

    store: Store
    wake: Callable[[str], None]
    pulse: Callable[[], Pulse]
    webhook_secret_of: Callable[[str], str]
    token: str = field(default="", repr=False)
