"""An address that wants to hear of ended runs in; the id of its notification destination out."""

from typing import Final

from isocost.errors import PlatformError
from isocost.platforms.databricks.connection import Calls

_PATH: Final = "/api/2.0/notification-destinations"
_ADMIN: Final = "the role of workspace admin (only admins may see and make destinations)"
USER_NAME: Final = "isocost"


def webhook(calls: Calls, url: str, secret: str) -> str:
    """Return the id of the destination for `url`, made if need be.

    Databricks shows neither the address nor the password of a destination, so it is known by its
    name, which holds the address. It keeps the secret that it was made with: to change that,
    delete it in the workspace's settings and set the projects up again.
    """
    name = f"Isocost at {url}"
    known = sorted(
        str(each["id"])
        for page in calls.pages("listing notification destinations", _PATH, {}, grant=_ADMIN)
        for each in page.get("results") or ()
        if each.get("display_name") == name
    )
    return known[0] if known else _made(calls, name, url=url, secret=secret)


def _made(calls: Calls, name: str, *, url: str, secret: str) -> str:
    config = {"url": url, "username": USER_NAME, "password": secret}
    answer = calls.post(
        f"making a notification destination for {url}",
        _PATH,
        {"display_name": name, "config": {"generic_webhook": config}},
        grant=_ADMIN,
        is_repeatable=False,
    )
    found = answer.get("id")
    if not found:
        raise PlatformError(
            f"The workspace made a notification destination for {url} but told no id. Look for "
            f"{name!r} in its settings under Notifications, then try again."
        )
    return str(found)
