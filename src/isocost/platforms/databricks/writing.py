"""A databricks job's settings as they were and as they shall be in; one raw, careful write out.

The Jobs API has no conditional write. So a write names as little as it can, is preceded by a look
that must find the settings as they were, and is followed by one that must find them as wanted. If
somebody else wrote between the two looks, the product takes its own part back and theirs stays;
only what they wrote into the very same field or cluster entry within that moment is lost.
"""

from typing import Any, Final

from isocost.errors import NotFound, Unavailable
from isocost.platforms.databricks.connection import ATTEMPTS, Calls, is_out_of_patience
from isocost.platforms.databricks.updates import (
    Update,
    holds,
    is_as,
    update_between,
    with_pieces_of,
)
from isocost.platforms.host import Settings

_GET: Final = "/api/2.2/jobs/get"
_UPDATE: Final = "/api/2.2/jobs/update"
_RESET: Final = "/api/2.2/jobs/reset"
# Version 2.2 shows these by pages (docs.databricks.com, "Updating from Jobs API 2.1 to 2.2").
_PAGED: Final = ("tasks", "job_clusters", "environments", "parameters")
_SEE: Final = "CAN VIEW on the databricks job"
_MANAGE: Final = "CAN MANAGE on the databricks job"


def whole_answer(calls: Calls, definition_id: str) -> dict[str, Any]:
    """Return a databricks job as `jobs/get` shows it, the pages of its settings joined.

    Raises:
        NotFound: there is no such databricks job.
    """
    what = f"reading databricks job {definition_id}"
    pages = calls.pages(what, _GET, {"job_id": _number(definition_id)}, grant=_SEE)
    whole = next(pages)
    settings = dict(whole.get("settings") or {})
    for page in pages:
        for name in _PAGED:
            more = (page.get("settings") or {}).get(name)
            if more:
                settings[name] = [*settings.get(name, ()), *more]
    shown = {name: value for name, value in whole.items() if name != "next_page_token"}
    return {**shown, "settings": settings}


def whole_settings(calls: Calls, definition_id: str) -> dict[str, Any]:
    """Return a databricks job's settings, nothing left out; raises NotFound if it is gone."""
    settings: dict[str, Any] = whole_answer(calls, definition_id)["settings"]
    return settings


def change(calls: Calls, definition_id: str, *, before: Settings, after: Settings) -> bool:
    """Write what differs between the two; see `Host.change`."""
    for attempt in range(1, ATTEMPTS + 1):
        seen = _settled(calls, definition_id)
        if is_as(seen, after):
            return True
        if not is_as(seen, before):
            return False
        update = update_between(seen, after)
        try:
            _write(calls, definition_id, update, after=after)
            return _is_confirmed(calls, definition_id, update, before=seen, after=after)
        except Unavailable as error:
            # The write may have been carried out all the same: only another look can tell.
            if is_out_of_patience(error) or attempt == ATTEMPTS:
                raise
            calls.pause(attempt)
    raise AssertionError("the last attempt returns or raises")


def _settled(calls: Calls, definition_id: str) -> dict[str, Any]:
    """Return the settings as a second look finds them.

    The pages of one look may be from before and after an edit. That the second look is compared
    with what the caller knew finds both such a mixture and an edit during the first.
    """
    whole_settings(calls, definition_id)
    return whole_settings(calls, definition_id)


def _is_confirmed(
    calls: Calls, definition_id: str, update: Update | None, *, before: Settings, after: Settings
) -> bool:
    """Look whether the settings are as wanted; if somebody wrote meanwhile, take ours back."""
    seen = whole_settings(calls, definition_id)
    if is_as(seen, after):
        return True
    if update is not None and holds(seen, update.pieces, after):
        restored = with_pieces_of(seen, update.pieces, before)
        _write(calls, definition_id, update_between(seen, restored), after=restored)
    return False


def _write(calls: Calls, definition_id: str, update: Update | None, *, after: Settings) -> None:
    """Carry out an update, or replace all settings where no update can do it."""
    number = _number(definition_id)
    what = f"changing databricks job {definition_id}"
    body: dict[str, Any] = {"job_id": number}
    if update is None:
        body["new_settings"] = dict(after)
    else:
        body["new_settings"] = dict(update.new_settings)
        if update.fields_to_remove:
            body["fields_to_remove"] = list(update.fields_to_remove)
    path = _RESET if update is None else _UPDATE
    calls.post(what, path, body, grant=_MANAGE, is_repeatable=False)


def _number(definition_id: str) -> int:
    if not definition_id.isdecimal():
        raise NotFound(
            f"There is no databricks job {definition_id!r}: its ids are numbers, as in the "
            "address of its page. Correct the id."
        )
    return int(definition_id)
