"""A cluster policy's definition and a cluster in; what the cluster does that it must not, out.

The kinds of rules are those of docs.databricks.com, "Compute policy reference".
"""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from isocost.simulator.workspace.values import Json

Rule = Mapping[str, Any]

_FREE_KEYED: Final = ("spark_conf.", "custom_tags.", "spark_env_vars.")
_ABSENT: Final = object()


def definition_of(policy: Mapping[str, Any]) -> dict[str, Rule]:
    """Return the rules by attribute; a definition is JSON in a string, or already read."""
    definition = policy.get("definition") or "{}"
    rules: dict[str, Rule] = json.loads(definition) if isinstance(definition, str) else definition
    return rules


def with_policy_values(spec: Mapping[str, Any], rules: Mapping[str, Rule]) -> Json:
    """Return the cluster with the policy's fixed values and defaults where it states none."""
    filled: Json = deepcopy(dict(spec))
    for path, rule in rules.items():
        value = rule.get("value", rule.get("defaultValue", _ABSENT))
        if value is not _ABSENT and value_at(filled, path) is _ABSENT and _is_stated(path):
            _put(filled, path, value)
    return filled


def violations(
    spec: Mapping[str, Any], rules: Mapping[str, Rule], dbu_per_hour: Callable[[], float]
) -> list[str]:
    """Return what breaks the policy, in Databricks' words; empty if nothing does."""
    found = []
    for path, rule in rules.items():
        if path == "cluster_type":
            value: object = "job"
        elif path == "dbus_per_hour":
            value = dbu_per_hour()
        else:
            value = value_at(spec, path)
        fault = _fault(value, rule)
        if fault:
            found.append(f"Validation failed for {path}, {fault}")
    return found


def value_at(spec: Mapping[str, Any], path: str) -> object:
    """Return the value of a dotted path, or a mark for none."""
    for prefix in _FREE_KEYED:
        if path.startswith(prefix):
            table = spec.get(prefix[:-1]) or {}
            return table.get(path.removeprefix(prefix), _ABSENT)
    value: object = spec
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _is_stated(path: str) -> bool:
    return path not in {"cluster_type", "dbus_per_hour"}


def _put(spec: Json, path: str, value: object) -> None:
    prefix = next((each for each in _FREE_KEYED if path.startswith(each)), None)
    names = [prefix[:-1], path.removeprefix(prefix)] if prefix else path.split(".")
    for name in names[:-1]:
        spec = spec.setdefault(name, {})
    spec[names[-1]] = value


def _fault(value: object, rule: Rule) -> str | None:
    kind = rule.get("type", "unlimited")
    if kind == "forbidden":
        return None if value is _ABSENT else "the value must not be present"
    if value is _ABSENT:
        may_lack = rule.get("isOptional", kind == "unlimited" or _is_upper_bound_only(rule))
        return None if may_lack else "the value must be present"
    test = _TESTS.get(kind)
    return test(value, rule) if test else None


def _is_upper_bound_only(rule: Rule) -> bool:
    # A range without a minimum of a table's optional part, such as autoscale.max_workers of a
    # cluster with a fixed size, is about a field that need not be there.
    return rule.get("type") == "range" and "minValue" not in rule


def _fixed(value: object, rule: Rule) -> str | None:
    wanted = rule.get("value")
    return None if _text(value) == _text(wanted) else f"the value must be {_is(wanted, value)}"


def _allowed(value: object, rule: Rule) -> str | None:
    values = [_text(each) for each in rule.get("values", [])]
    if _text(value) in values:
        return None
    return f"the value must be one of {', '.join(values)} (is {_quoted(value)})"


def _blocked(value: object, rule: Rule) -> str | None:
    values = [_text(each) for each in rule.get("values", [])]
    if _text(value) not in values:
        return None
    return f"the value must not be one of {', '.join(values)} (is {_quoted(value)})"


def _matching(value: object, rule: Rule) -> str | None:
    pattern = str(rule.get("pattern", ""))
    if re.fullmatch(pattern, _text(value)):
        return None
    return f"the value must match the regular expression {pattern} (is {_quoted(value)})"


def _within(value: object, rule: Rule) -> str | None:
    low, high = rule.get("minValue"), rule.get("maxValue")
    try:
        number = float(str(value))
    except ValueError:
        return f"the value must be a number (is {_quoted(value)})"
    if low is not None and number < low:
        return f"the value must be at least {_is(low, value)}"
    if high is not None and number > high:
        return f"the value must be at most {_is(high, value)}"
    return None


_TESTS: Final[Mapping[str, Callable[[object, Rule], str | None]]] = {
    "fixed": _fixed,
    "allowlist": _allowed,
    "whitelist": _allowed,
    "blocklist": _blocked,
    "blacklist": _blocked,
    "regex": _matching,
    "range": _within,
}


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _quoted(value: object) -> str:
    return f'"{_text(value)}"'


def _is(wanted: object, value: object) -> str:
    return f"{_text(wanted)} (is {_quoted(value)})"
