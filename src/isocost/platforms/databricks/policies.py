"""A cluster before and after a change, and its policy's rules in; the rules it would break out.

Only rules about what the change touches are judged: the rest is as it was, and the workspace's
own check at the time of writing has the last word. The kinds of rules are those of
docs.databricks.com, "Compute policy reference".
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from isocost.errors import InvalidInput
from isocost.platforms.host import Settings

Rule = Mapping[str, Any]
Rules = Mapping[str, Rule]
Test = Callable[[object, Rule], str | None]

DBUS_PER_HOUR: Final = "dbus_per_hour"
_ABSENT: Final = object()
# Tables whose keys may hold dots themselves.
_FREE_KEYED: Final = ("custom_tags", "spark_conf", "spark_env_vars")
# The workspace judges by Java's engine. Sets within sets mean something else in Python, so that
# such patterns, as those that Python cannot read, are left to the workspace.
_JAVA_ONLY: Final = re.compile(r"&&|--|~~|\|\||\[[^\]]*\[")
# What a policy calls the kinds of log destinations.
_LOG_KINDS: Final = {"dbfs": "DBFS", "s3": "S3", "volumes": "VOLUMES"}


def rules_of(policy: Mapping[str, Any]) -> Rules:
    """Return a policy's rules by attribute path.

    Raises:
        InvalidInput: the definition is no JSON object.
    """
    definition = policy.get("definition") or {}
    try:
        found = json.loads(definition) if isinstance(definition, str) else definition
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"The definition of cluster policy {policy.get('policy_id')} is no JSON: {error}. "
            "Have its owner correct it."
        ) from error
    return {path: rule for path, rule in found.items() if isinstance(rule, Mapping)}


def broken_rules(
    before: Settings,
    after: Settings,
    rules: Rules,
    *,
    dbus_per_hour: tuple[float | None, float | None] = (None, None),
) -> tuple[str, ...]:
    """Return what the change breaks, a clause for each rule; empty if it breaks none.

    Args:
        before: the cluster as it is asked for, raw.
        after: the same once changed.
        rules: of the cluster's policy.
        dbus_per_hour: of the largest cluster before and after, driver included; a limit on an
            unknown number is left to the workspace to judge.
    """
    found = []
    for path, name, rule in _concrete(rules, before, after):
        if path == DBUS_PER_HOUR:
            old, new = (_ABSENT if dbus is None else dbus for dbus in dbus_per_hour)
            is_touched = new is not _ABSENT and old != new
        else:
            old, new = value_at(before, name), value_at(after, name)
            is_touched = _text(old) != _text(new)
        fault = _fault(new, rule) if is_touched else None
        if fault:
            found.append(f"{name} {fault}")
    return tuple(found)


def value_at(asked: Settings, path: str) -> object:
    """Return a cluster's value at a policy's path, or a mark for none."""
    table, _, key = path.partition(".")
    if table == "cluster_log_conf" and key in {"path", "type"}:
        return _log_value(asked, key)
    if table in _FREE_KEYED and key:
        return (asked.get(table) or {}).get(key, _ABSENT)
    value: object = asked
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _log_value(asked: Settings, key: str) -> object:
    for kind, place in (asked.get("cluster_log_conf") or {}).items():
        return _LOG_KINDS.get(kind, kind) if key == "type" else place.get("destination", _ABSENT)
    return _ABSENT


def _concrete(rules: Rules, before: Settings, after: Settings) -> Iterator[tuple[str, str, Rule]]:
    """Yield each rule's path and the paths it is about: `custom_tags.*` is about every tag."""
    for path, rule in rules.items():
        table, _, key = path.partition(".")
        if key != "*" or table not in _FREE_KEYED:
            yield path, path, rule
            continue
        for name in {**(before.get(table) or {}), **(after.get(table) or {})}:
            yield path, f"{table}.{name}", rule


def _fault(value: object, rule: Rule) -> str | None:
    kind = rule.get("type", "unlimited")
    if kind == "forbidden":
        return None if value is _ABSENT else f"must not be set (would be {_text(value)})"
    if value is _ABSENT:
        return None if _may_lack(rule) else "must be set (would be absent)"
    test = _TESTS.get(kind)
    return test(value, rule) if test else None


def _may_lack(rule: Rule) -> bool:
    # A bound from above, such as that of autoscale.max_workers, does not ask for the field: a
    # cluster of fixed size keeps it.
    is_upper_bound = rule.get("type") == "range" and "minValue" not in rule
    return bool(rule.get("isOptional", is_upper_bound))


def _fixed(value: object, rule: Rule) -> str | None:
    wanted = _text(rule.get("value"))
    return None if _text(value) == wanted else f"must be {wanted} (would be {_text(value)})"


def _allowed(value: object, rule: Rule) -> str | None:
    values = [_text(each) for each in rule.get("values") or ()]
    if _text(value) in values:
        return None
    return f"must be one of {', '.join(values)} (would be {_text(value)})"


def _blocked(value: object, rule: Rule) -> str | None:
    values = [_text(each) for each in rule.get("values") or ()]
    if _text(value) not in values:
        return None
    return f"must not be one of {', '.join(values)} (would be {_text(value)})"


def _matching(value: object, rule: Rule) -> str | None:
    pattern = str(rule.get("pattern", ""))
    if _JAVA_ONLY.search(pattern):
        return None
    try:
        is_match = re.fullmatch(pattern, _text(value)) is not None
    except re.error:
        return None
    return None if is_match else f"must match {pattern} (would be {_text(value)})"


def _within(value: object, rule: Rule) -> str | None:
    try:
        number = float(_text(value))
    except ValueError:
        return f"must be a number (would be {_text(value)})"
    low, high = rule.get("minValue"), rule.get("maxValue")
    if low is not None and number < float(low):
        return f"must be at least {low} (would be {_text(value)})"
    if high is not None and number > float(high):
        return f"must be at most {high} (would be {_text(value)})"
    return None


_TESTS: Final[Mapping[str, Test]] = {
    "fixed": _fixed,
    "allowlist": _allowed,
    "whitelist": _allowed,
    "blocklist": _blocked,
    "blacklist": _blocked,
    "regex": _matching,
    "range": _within,
}


def _text(value: object) -> str:
    """Return a value as policies compare it: they write true and 8 as words or as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
