"""A databricks job's settings in; a copy that runs only when asked, started and deleted, out."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from isocost.errors import NotFound
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.starting import run_now
from isocost.platforms.host import Settings

_LIST: Final = "/api/2.2/jobs/list"
_CREATE: Final = "/api/2.2/jobs/create"
_DELETE: Final = "/api/2.2/jobs/delete"
_RUNS: Final = "/api/2.2/jobs/runs/list"
_CANCEL: Final = "/api/2.2/jobs/runs/cancel"
_MANAGE: Final = "CAN MANAGE on the databricks job"
# By which a copy is known as one, whatever somebody calls a databricks job of theirs.
COPY_TAG: Final = "isocost-bank"
# What starts a databricks job, what tells people of it, and what binds it to a bundle.
_STARTS: Final = frozenset({"schedule", "trigger", "continuous"})
_TELLS: Final = frozenset({"email_notifications", "webhook_notifications"})
_BINDS: Final = frozenset({"deployment", "edit_mode"})


class DatabricksCopies:
    """Copies in the workspace behind `calls`; see `Copies`. Thread-safe."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def find(self, name: str) -> str | None:
        """Return the id of the copy of this name; see `Copies`."""
        what = f"looking for databricks job {name!r}"
        pages = self._calls.pages(what, _LIST, {"name": name}, grant="CAN VIEW on it")
        for view in (view for page in pages for view in page.get("jobs") or ()):
            settings = view.get("settings") or {}
            if settings.get("name") == name and COPY_TAG in (settings.get("tags") or {}):
                return str(view["job_id"])
        return None

    def make(self, settings: Settings, name: str) -> str:
        """Return the id of the copy of this name, made if need be; see `Copies`."""
        known = self.find(name)
        if known is not None:
            return known
        answer = self._calls.post(
            f"copying a databricks job as {name!r}",
            _CREATE,
            copied(settings, name),
            grant="workspace access, and the use of what the databricks job uses",
            is_repeatable=False,
        )
        return str(answer["job_id"])

    def start(self, definition_id: str, token: str) -> str:
        """Trigger a run; see `Copies`."""
        return run_now(self._calls, definition_id, token=token)

    def remove(self, definition_id: str) -> None:
        """Cancel a copy's runs and delete it; see `Copies`.

        What is deleted while it runs would run, and cost, on.
        """
        number = int(definition_id)
        what = f"deleting databricks job {definition_id}"
        with suppress(NotFound):
            asked = {"job_id": number, "active_only": True}
            for page in self._calls.pages(what, _RUNS, asked, grant=_MANAGE):
                for view in page.get("runs") or ():
                    self._calls.post(what, _CANCEL, {"run_id": view["run_id"]}, grant=_MANAGE)
            self._calls.post(what, _DELETE, {"job_id": number}, grant=_MANAGE)


def copied(settings: Settings, name: str) -> dict[str, Any]:
    """Return the settings of a copy: all but what starts it, tells of it, or owns it."""
    kept = {k: v for k, v in settings.items() if k not in _STARTS | _TELLS | _BINDS}
    steps = [_untold(step) for step in settings.get("tasks") or ()]
    tags = {**(settings.get("tags") or {}), COPY_TAG: "copy"}
    return {**kept, "name": name, "tags": tags, "tasks": steps, "max_concurrent_runs": 1}


def _untold(step: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key not in _TELLS}
