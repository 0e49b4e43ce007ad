"""An address that wants to hear of ended runs in; the id of its notification destination out."""

from collections.abc import Mapping
from typing import Any, Final

from isocost.errors import PlatformError, Unavailable
from isocost.platforms.databricks.connection import ATTEMPTS, Calls, is_out_of_patience

_PATH: Final = "/api/2.0/notification-destinations"
_ADMIN: Final = "the role of workspace admin (only admins may see and make destinations)"
USER_NAME: Final = "isocost"


def known_webhook(calls: Calls, url: str) -> str | None:
    """Return the id of the destination for `url` if it is there; changes nothing."""
    return next(iter(_known(calls, _name_of(url))), None)


def webhook(calls: Calls, url: str, secret: str) -> str:
    """Return the id of the destination for `url`, made if need be; it sends `secret` from now on.

    Databricks shows neither the address nor the password of a destination. So it is known by its
    name, which holds the address, and is told the secret each time: it may be a new one.
    """
    name = _name_of(url)
    config = {"generic_webhook": {"url": url, "username": USER_NAME, "password": secret}}
    for attempt in range(1, ATTEMPTS + 1):
        known = _known(calls, name)
        if known:
            what = f"renewing the secret of notification destination {name!r}"
            calls.patch(what, f"{_PATH}/{known[0]}", {"config": config}, grant=_ADMIN)
            return known[0]
        try:
            return _made(calls, name, config)
        except Unavailable as error:
            # It may have been made all the same: only another look can tell.
            if is_out_of_patience(error) or attempt == ATTEMPTS:
                raise
            calls.pause(attempt)
    raise AssertionError("the last attempt returns or raises")


def _name_of(url: str) -> str:
    return f"Isocost at {url}"


def _known(calls: Calls, name: str) -> list[str]:
    """Return the ids of the destinations of a name, in an order that is always the same."""
    pages = calls.pages("listing notification destinations", _PATH, {}, grant=_ADMIN)
    listed = (each for page in pages for each in page.get("results") or ())
    return sorted(str(each["id"]) for each in listed if each.get("display_name") == name)


def _made(calls: Calls, name: str, config: Mapping[str, Any]) -> str:
    answer = calls.post(
        f"making notification destination {name!r}",
        _PATH,
        {"display_name": name, "config": config},
        grant=_ADMIN,
        is_repeatable=False,
    )
    found = answer.get("id")
    if not found:
        raise PlatformError(
            f"The workspace made notification destination {name!r} but told no id. Look for it in "
            "its settings under Notifications, then try again."
        )
    return str(found)
