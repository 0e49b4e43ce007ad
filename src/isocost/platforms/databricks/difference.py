"""Two raw settings of a databricks job in, a line for each value that differs out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from isocost.platforms.databricks.definitions import KEY_OF
from isocost.platforms.host import Settings

_ABSENT: Final = object()
_NONE: Final = "none"


def difference(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return lines `path: old → new`; none if and only if the two are the same JSON."""
    return tuple(_lines("", before, after))


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same JSON: the order of fields does not count, types do."""
    return one is other or _json(one) == _json(other)


def _lines(path: str, old: object, new: object) -> Iterator[str]:
    if is_same(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from _lines(inner, old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lines_of_entries(path, old, new)
    else:
        yield f"{path}: {_told(old, new)} → {_told(new, old)}"


def _lines_of_entries(path: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    """Yield the lines of two arrays: entry by entry, by their keys where they have some."""
    key = KEY_OF.get(path)
    old_keys, new_keys = _keys(old, key), _keys(new, key)
    if old_keys is None or new_keys is None:
        old_keys, new_keys = list(range(len(old))), list(range(len(new)))
    olds, news = dict(zip(old_keys, old, strict=True)), dict(zip(new_keys, new, strict=True))
    for name in [*olds, *(name for name in news if name not in olds)]:
        yield from _lines(f"{path}[{name}]", olds.get(name, _ABSENT), news.get(name, _ABSENT))
    kept = [name for name in old_keys if name in news]
    if kept != [name for name in new_keys if name in olds]:
        yield f"{path}: order {_listed(old_keys)} → order {_listed(new_keys)}"


def _keys(entries: list[Any], key: str | None) -> list[Any] | None:
    """Return the entries' keys; None if they do not tell the entries apart."""
    if key is None or not all(isinstance(each, Mapping) for each in entries):
        return None
    found = [each.get(key) for each in entries]
    is_usable = all(isinstance(name, str) for name in found) and len(set(found)) == len(found)
    return found if is_usable else None


def _listed(keys: Sequence[object]) -> str:
    return ", ".join(map(str, keys))


def _told(value: object, other: object) -> str:
    """Return a value for people; in quotes only where it could be taken for the other one."""
    if value is _ABSENT:
        return _NONE
    is_plain = isinstance(value, str) and value not in {"", _NONE, _json(other)}
    return str(value) if is_plain else _json(value)


def _json(value: object) -> str:
    if value is _ABSENT:
        return ""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
