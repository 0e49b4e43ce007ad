"""A definition now, as this product last wrote it, and as it was at first in; it restored out.

What somebody else has changed since is theirs and stays. All else becomes what it was, value by
value, so that without others' changes the result is what it was at first.
"""

from collections.abc import Mapping
from typing import Any, Final

from isocost.platforms.databricks.definitions import KEY_OF
from isocost.platforms.databricks.difference import difference, is_same
from isocost.platforms.databricks.updates import is_as
from isocost.platforms.host import ChangePlan, Definition, Settings

_ABSENT: Final = object()


def planned_restore(definition: Definition, original: Settings, written: Settings) -> ChangePlan:
    """Return the definition as it was before this product touched it; see `Host`."""
    now = definition.settings
    restored = original if is_as(now, written) else _restored("", now, written, was=original)
    return ChangePlan(restored, difference(now, restored))


def _restored(path: str, now: Any, written: Any, *, was: Any) -> Any:  # noqa: ANN401  JSON
    if _is_equal(written, was):  # never touched here
        return now
    if _is_equal(now, written):  # nor by others since
        return was
    if isinstance(now, Mapping) and isinstance(written, Mapping):
        return _restored_fields(path, now, written, was=was)
    if isinstance(now, list) and isinstance(written, list):
        return _restored_entries(path, now, written, was=[] if was is _ABSENT else was)
    return now


def _restored_fields(
    path: str,
    now: Mapping[str, Any],
    written: Mapping[str, Any],
    *,
    was: Any,  # noqa: ANN401  JSON
) -> Any:  # noqa: ANN401  JSON
    before = was if isinstance(was, Mapping) else {}
    names = [*now, *(name for name in before if name not in now)]
    fields = {
        name: _restored(
            f"{path}.{name}" if path else name,
            now.get(name, _ABSENT),
            written.get(name, _ABSENT),
            was=before.get(name, _ABSENT),
        )
        for name in names
    }
    kept = {name: value for name, value in fields.items() if value is not _ABSENT}
    # A field that was made for our values alone goes with them.
    return _ABSENT if not kept and was is _ABSENT else kept


def _restored_entries(path: str, now: list[Any], written: list[Any], *, was: Any) -> Any:  # noqa: ANN401  JSON
    before = was if isinstance(was, list) else []
    key = KEY_OF.get(path)
    if key is None:  # of entries without a key, ours are those that were not there
        ours = [each for each in written if not _is_among(each, before)]
        taken = [e for e in before if not _is_among(e, written) and not _is_among(e, now)]
        kept = [each for each in now if not _is_among(each, ours)] + taken
        return kept if kept or before else _ABSENT
    olds, writtens = _by_key(before, key), _by_key(written, key)
    restored = (
        _restored(
            f"{path}[]",
            each,
            writtens.get(each.get(key), _ABSENT),
            was=olds.get(each.get(key), _ABSENT),
        )
        for each in now
    )
    return [each for each in restored if each is not _ABSENT]


def _by_key(entries: list[Any], key: str) -> dict[Any, Any]:
    return {entry.get(key): entry for entry in entries}


def _is_among(entry: object, entries: list[Any]) -> bool:
    return any(is_same(entry, other) for other in entries)


def _is_equal(one: object, other: object) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return is_same(one, other)
