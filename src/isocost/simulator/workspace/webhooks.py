"""Notification destinations and runs in; real HTTP calls to webhooks on this machine out."""

import base64
import json
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from isocost.simulator.workspace.refusal import invalid, not_found
from isocost.simulator.workspace.values import Json, seed_of

_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
# Whoever takes longer to answer a call on its own machine hangs.
_PATIENCE_S: Final = 10.0
# A proxy of the environment knows nothing of this machine's own addresses.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(slots=True)
class Delivery:
    """One call of a webhook.

    Attributes:
        status: of the answer; 0 if there was none, and `error` says why.
    """

    destination_id: str
    url: str
    body: Json
    status: int = 0
    error: str = ""


@dataclass(slots=True)
class Destination:
    """Where notifications go; its password is never shown."""

    destination_id: str
    display_name: str
    config: Json = field(repr=False)

    @property
    def webhook(self) -> Json | None:
        """The generic webhook's configuration; None of other kinds."""
        found: Json | None = self.config.get("generic_webhook")
        return found

    def view(self) -> Json:
        """Return it as the API shows it."""
        kind = next(iter(self.config), "generic_webhook")
        shown = {f"{name}_set": True for name in self.config.get(kind, {})}
        if self.webhook is not None:
            shown |= {name: self.webhook[name] for name in ("url",) if name in self.webhook}
        kinds = {"generic_webhook": "WEBHOOK", "microsoft_teams": "MICROSOFT_TEAMS"}
        return {
            "id": self.destination_id,
            "display_name": self.display_name,
            "destination_type": kinds.get(kind, kind.upper()),
            "config": {kind: shown},
        }


class Notifications:
    """Destinations, and a thread that calls them in the order of what happened.

    Calls are made apart from requests, so that whoever is called may ask the workspace back.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.destinations: dict[str, Destination] = {}
        self.deliveries: list[Delivery] = []
        self._waiting: queue.Queue[Delivery | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def create(self, body: Mapping[str, Any]) -> Destination:
        """Keep a new destination; raises Refusal for a webhook beyond this machine."""
        config = _checked(body.get("config") or {})
        number = seed_of(self._seed, "destination", len(self.destinations))
        name = f"{number:016x}"
        destination_id = f"{name[:8]}-{name[8:12]}-4{name[12:15]}-8{name[:3]}-{name[4:]}"
        made = Destination(destination_id, str(body.get("display_name") or ""), config)
        self.destinations[destination_id] = made
        return made

    def update(self, destination_id: str, body: Mapping[str, Any]) -> Destination:
        """Change a destination; raises Refusal if there is none, or as `create`."""
        destination = self.get(destination_id)
        if not body:
            raise invalid("At least one field to update is required.")
        for kind, fields in _checked(body.get("config") or {}).items():
            destination.config[kind] = {**destination.config.get(kind, {}), **fields}
        destination.display_name = str(body.get("display_name") or destination.display_name)
        return destination

    def get(self, destination_id: str) -> Destination:
        """Return a destination; raises Refusal if there is none."""
        if destination_id not in self.destinations:
            raise not_found(f"Notification destination {destination_id} does not exist.")
        return self.destinations[destination_id]

    def send(self, destination_id: str, body: Json) -> None:
        """Have a webhook called soon; destinations of other kinds are not simulated."""
        destination = self.destinations.get(destination_id)
        if destination is None or destination.webhook is None:
            return
        delivery = Delivery(destination_id, str(destination.webhook.get("url")), body)
        self.deliveries.append(delivery)
        if self._thread is None:
            self._thread = threading.Thread(target=self._call_all, daemon=True)
            self._thread.start()
        self._waiting.put(delivery)

    def settle(self) -> None:
        """Wait until every call so far has been answered or given up."""
        self._waiting.join()

    def close(self) -> None:
        """End the thread, after the calls that wait."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _call_all(self) -> None:
        while True:
            delivery = self._waiting.get()
            try:
                if delivery is None:
                    return
                self._call(delivery)
            finally:
                self._waiting.task_done()

    def _call(self, delivery: Delivery) -> None:
        webhook = self.destinations[delivery.destination_id].webhook or {}
        headers = {"Content-Type": "application/json", "User-Agent": "Databricks"}
        if webhook.get("username") or webhook.get("password"):
            pair = f"{webhook.get('username', '')}:{webhook.get('password', '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        request = urllib.request.Request(  # noqa: S310  checked to be on this machine
            delivery.url, json.dumps(delivery.body).encode(), headers, method="POST"
        )
        try:
            with _OPENER.open(request, timeout=_PATIENCE_S) as answer:
                delivery.status = answer.status
        except urllib.error.HTTPError as error:
            delivery.status = error.code
            error.close()
        except OSError as error:
            delivery.error = str(error)


def _checked(config: Mapping[str, Any]) -> Json:
    url = (config.get("generic_webhook") or {}).get("url")
    if url is not None and urlsplit(str(url)).hostname not in _LOOPBACK:
        raise invalid("The simulated workspace calls webhooks on this machine only.")
    return dict(config)
