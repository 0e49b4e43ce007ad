"""The API's own description in, `docs/reference/api.md` out.

Write it anew with: python -m tools.api_reference
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from isocost.api.application import application
from isocost.api.serving import Served
from isocost.store.memory import MemoryStore
from isocost.usecases.watch import Pulse

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
_HEAD: Final = """# API

Generated from the server's own description, `/v1/openapi.json`. Write it anew with \
`python -m tools.api_reference`.

Times are ISO 8601 in UTC; a number that is not known is `null`. Units are part of each name. \
Errors are `application/problem+json` with `status`, `detail` for people and a stable `code`. \
Everything but webhooks and `/v1/health` asks for `ISOCOST_API_TOKEN` as a bearer token where the \
server was started with one.
"""
_INTERNAL: Final = {"HTTPValidationError", "ValidationError"}


def page() -> str:
    """Return the reference page."""
    served = Served(
        MemoryStore(),
        wake=lambda _: None,
        pulse=lambda: Pulse(is_running=True, swept_at=None, waiting_count=0),
        webhook_secret_of=lambda _: "",
    )
    described = application(served).openapi()
    lines = [_HEAD, "## Endpoints", ""]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            lines += _endpoint(method, path, operation)
    lines += ["## Objects", ""]
    for name, schema in sorted(described["components"]["schemas"].items()):
        if name not in _INTERNAL:
            lines += _object(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _endpoint(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {method.upper()} {path}"
    yield ""
    yield operation["description"].strip()
    yield ""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            told = parameter.get("description", "")
            yield f"- `?{parameter['name']}=` {_type(parameter['schema'])}. {told}".rstrip()
    for status, answer in sorted(operation["responses"].items()):
        if status.startswith("2"):
            schema = answer["content"]["application/json"]["schema"]
            yield f"- Answers {status} with {_type(schema)}."
    yield ""


def _object(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield schema.get("description", "")
    yield ""
    yield "| Field | Type |"
    yield "|---|---|"
    for field, kind in schema["properties"].items():
        yield f"| `{field}` | {_type(kind)} |"
    yield ""


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema as words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
