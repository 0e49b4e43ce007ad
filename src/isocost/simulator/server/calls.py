"""One request as handlers see it, and what a handler may answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from isocost.simulator.workspace.access import Identity, Right
from isocost.simulator.workspace.refusal import invalid
from isocost.simulator.workspace.values import Json
from isocost.simulator.workspace.workspace import Workspace

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        path_values: what the placeholders of the endpoint's path stand for.
        version: of the API, such as "2.1".
        content: the body's bytes, where it is no JSON.
    """

    workspace: Workspace
    identity: Identity
    version: str
    path_values: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    headers: Mapping[str, str]
    content: bytes = b""

    def demand(self, right: Right, job_id: int | None = None) -> None:
        """Raise Refusal if whoever calls may not."""
        self.identity.demand(right, job_id)

    def value(self, name: str) -> Any:  # noqa: ANN401  whatever JSON holds
        """Return a field of the body, or else of the query; None if it is in neither."""
        return self.body.get(name, self.query.get(name))

    def number(self, name: str) -> int:
        """Return a whole number that must be there; raises Refusal."""
        value = self.value(name)
        if value is None:
            raise invalid(f"Missing required field: {name}")
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise invalid(f"Invalid value of {name}: {value}") from error

    def number_or(self, name: str, default: int) -> int:
        """Return a whole number, or the default if it is not there."""
        return default if self.value(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        """Return whether a field is true."""
        return str(self.value(name)).lower() == "true"

    def text(self, name: str) -> str:
        """Return a text that must be there; raises Refusal."""
        value = self.value(name)
        if not isinstance(value, str) or not value:
            raise invalid(f"Missing required field: {name}")
        return value


@dataclass(frozen=True, slots=True)
class Bytes:
    """An answer that is no JSON."""

    content: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that is complete once something else is."""

    value: Callable[[], Json]
    waits: tuple[Callable[[], None], ...] = ()


Answer = Json | Bytes | Later
Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and path, and what answers it; `{version}` stands for the API's version."""

    method: str
    path: str
    handler: Handler
    versions: tuple[str, ...] = ("2.0",)


def page(items: list[Item], token: object, limit: int) -> tuple[list[Item], str, str]:
    """Return a page of items, and the tokens of the next and of the previous ("" for none)."""
    start = page_start(token)
    after = start + limit
    following = f"p{after}" if after < len(items) else ""
    before = f"p{max(0, start - limit)}" if start > 0 else ""
    return items[start:after], following, before


def page_start(token: object) -> int:
    """Return where the page of a token begins; raises Refusal for a token of nobody's."""
    if token in {None, ""}:
        return 0
    text = str(token)
    if not text.startswith("p") or not text[1:].isdigit():
        raise invalid(f"Invalid page token: {text}")
    return int(text[1:])
