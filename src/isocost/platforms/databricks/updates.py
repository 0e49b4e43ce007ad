"""A databricks job's settings as they are and as they shall be in; the smallest write out.

`jobs/update` replaces fields and entries of the two arrays with keys, and leaves everything else
as the workspace has it, also what somebody else wrote a moment ago. So it is preferred to
`jobs/reset`, which replaces all. What it does is stated on docs.databricks.com/api, "Update job
settings partially", and repeated here in `updated`, so that a write that would miss its aim is
known before it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from isocost.platforms.databricks.definitions import KEY_OF
from isocost.platforms.databricks.difference import is_same
from isocost.platforms.host import Settings

# Fields that the workspace writes by itself: how it stores a databricks job, and what it shows
# where nothing was stated (docs.databricks.com/api, "Create a new job", each field's default).
_STORED_AS: Final = "format"
_UNSTATED: Final[Mapping[str, object]] = {
    "email_notifications": {},
    "webhook_notifications": {},
    "notification_settings": {},
    "timeout_seconds": 0,
}
_UNSTATED_OF_ALL: Final[Mapping[str, object]] = {**_UNSTATED, "max_concurrent_runs": 1}
_UNSTATED_OF_STEPS: Final[Mapping[str, object]] = {**_UNSTATED, "run_if": "ALL_SUCCESS"}

# A field, or an entry of an array: its name and the entry's key.
Piece = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Update:
    """The body of `jobs/update`, without the databricks job's id."""

    new_settings: Settings = field(default_factory=dict)
    fields_to_remove: tuple[str, ...] = ()

    @property
    def pieces(self) -> frozenset[Piece]:
        """What it writes or removes."""
        found: set[Piece] = set()
        for name, value in self.new_settings.items():
            is_keyed = name in KEY_OF and isinstance(value, list)
            found |= {(name, e[KEY_OF[name]]) for e in value} if is_keyed else {(name, None)}
        for path in self.fields_to_remove:
            name, _, key = path.partition("/")
            found.add((name, key or None))
        return frozenset(found)


def is_as(settings: Settings, other: Settings) -> bool:
    """Whether two settings differ at most in what the workspace writes by itself."""
    return is_same(_stated(settings), _stated(other))


def update_between(now: Settings, after: Settings) -> Update | None:
    """Return the smallest update that makes `after` of `now`; None if no update can."""
    new_settings: dict[str, Any] = {}
    removed = [name for name in now if name not in after and name != _STORED_AS]
    for name, value in after.items():
        if name == _STORED_AS or is_same(now.get(name), value):
            continue
        if not isinstance(value, list):
            new_settings[name] = value
            continue
        entries = _changed_entries(name, now.get(name), value)
        if entries is None:
            return None
        changed, gone = entries
        removed += [f"{name}/{key}" for key in gone]
        if changed:
            new_settings[name] = changed
    update = Update(new_settings, tuple(removed))
    return update if is_same(_stored(updated(now, update)), _stored(after)) else None


def updated(settings: Settings, update: Update) -> dict[str, Any]:
    """Return settings as they are once an update is carried out."""
    result = dict(settings)
    for name, value in update.new_settings.items():
        old = result.get(name)
        if name in KEY_OF and isinstance(old, list):
            result[name] = _merged(old, value, KEY_OF[name])
        else:
            result[name] = value
    for path in update.fields_to_remove:
        name, _, key = path.partition("/")
        if key:
            result[name] = [each for each in result[name] if each.get(KEY_OF[name]) != key]
        else:
            result.pop(name, None)
    return result


def holds(settings: Settings, pieces: frozenset[Piece], source: Settings) -> bool:
    """Whether the settings have these pieces just as `source` has them."""
    return all(is_same(_piece(settings, each), _piece(source, each)) for each in pieces)


def with_pieces_of(settings: Settings, pieces: frozenset[Piece], source: Settings) -> Settings:
    """Return the settings with these pieces as `source` has them, which may be not at all."""
    result = dict(settings)
    for name, key in pieces:
        found = _piece(source, (name, key))
        if key is None:
            result = {k: v for k, v in result.items() if k != name}
            result |= {} if found is None else {name: found}
            continue
        entries = list(result.get(name) or ())
        kept = [each if each.get(KEY_OF[name]) != key else found for each in entries]
        is_missing = found is not None and found not in kept
        result[name] = [e for e in [*kept, *([found] if is_missing else [])] if e is not None]
    return result


def _piece(settings: Settings, piece: Piece) -> object:
    name, key = piece
    value = settings.get(name)
    if key is None:
        return value
    return next((each for each in value or () if each.get(KEY_OF[name]) == key), None)


def _changed_entries(name: str, old: object, new: list[Any]) -> tuple[list[Any], list[str]] | None:
    """Return the entries to write and the keys to remove; None if the array cannot be merged."""
    key = KEY_OF.get(name)
    olds, news = _by_key(old or [], key), _by_key(new, key)
    if olds is None or news is None:
        return None
    changed = [each for k, each in news.items() if not is_same(olds.get(k), each)]
    return changed, [k for k in olds if k not in news]


def _by_key(entries: object, key: str | None) -> dict[str, Any] | None:
    """Return entries by key; None where the workspace could not tell them apart either."""
    if key is None or not isinstance(entries, list):
        return None
    keys = [each.get(key) if isinstance(each, Mapping) else None for each in entries]
    is_usable = all(isinstance(k, str) and k and "/" not in k for k in keys)
    found = dict(zip(map(str, keys), entries, strict=True))
    return found if is_usable and len(found) == len(entries) else None


def _merged(old: list[Any], changed: list[Any], key: str) -> list[Any]:
    newer = {each.get(key): each for each in changed}
    kept = [newer.pop(each.get(key), each) for each in old]
    return [*kept, *newer.values()]


def _stored(settings: Settings) -> Settings:
    return {name: value for name, value in settings.items() if name != _STORED_AS}


def _stated(settings: Settings) -> Settings:
    """Return settings without what the workspace writes by itself."""
    stated = _without(_stored(settings), _UNSTATED_OF_ALL)
    steps = stated.get("tasks")
    if not isinstance(steps, list):
        return stated
    return {**stated, "tasks": [_without(each, _UNSTATED_OF_STEPS) for each in steps]}


def _without(table: Settings, unstated: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: value
        for name, value in table.items()
        if value is not None and not (name in unstated and is_same(value, unstated[name]))
    }
