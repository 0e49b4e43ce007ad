"""A workspace's databricks jobs in; definitions, with why each does or does not qualify, out."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from isocost.errors import PlatformError, Unavailable
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.definitions import PoolOf, clusters_of, obstacles_of
from isocost.platforms.databricks.runs import last_started_at
from isocost.platforms.databricks.times import moment
from isocost.platforms.databricks.writing import whole_answer
from isocost.platforms.host import Definition, Settings

_LIST: Final = "/api/2.2/jobs/list"
_PAGE: Final = 100
# What has not run for a month is not recurring, or no longer.
RECENT: Final = timedelta(days=30)
# Each qualifying definition takes one request for its last run; so many are under way at once.
_AT_ONCE: Final = 8


def definitions(calls: Calls, pool_of: PoolOf, now: Callable[[], datetime]) -> list[Definition]:
    """Return all definitions; of those that could qualify, also when they ran last."""
    query = {"limit": _PAGE, "expand_tasks": True}
    pages = calls.pages("listing databricks jobs", _LIST, query, grant="CAN VIEW on them")
    views = [view for page in pages for view in page.get("jobs") or ()]
    readable = _readable(pool_of)

    def whole(view: Mapping[str, Any]) -> Definition:
        if view.get("has_more"):  # the list shows a hundred steps of each
            view = whole_answer(calls, str(view["job_id"]))
        found = definition_of(view, readable)
        return found if found.obstacles else _with_last_run(calls, found, view, now=now)

    with ThreadPoolExecutor(_AT_ONCE) as workers:
        return list(workers.map(whole, views))


def definition_of(view: Mapping[str, Any], pool_of: PoolOf) -> Definition:
    """Return a definition as `jobs/get` and `jobs/list` show it; its runs are not asked for."""
    settings: Settings = view.get("settings") or {}
    return Definition(
        str(view["job_id"]),
        str(settings.get("name") or "Untitled"),
        settings,
        clusters_of(settings, pool_of),
        obstacles=obstacles_of(settings, pool_of),
        schedule=schedule_of(settings),
        max_concurrent_runs=int(settings.get("max_concurrent_runs") or 1),
        creator=str(view.get("creator_user_name") or ""),
    )


def schedule_of(settings: Settings) -> str:
    """Return in words what starts a definition; empty if only people or programs do."""
    schedule, trigger = settings.get("schedule") or {}, settings.get("trigger") or {}
    place = schedule or trigger
    paused = " (paused)" if place.get("pause_status") == "PAUSED" else ""
    if schedule:
        cron, zone = schedule.get("quartz_cron_expression"), schedule.get("timezone_id")
        return f"{cron} {zone}{paused}"
    if trigger.get("periodic"):
        every = trigger["periodic"]
        return f"every {every.get('interval')} {str(every.get('unit')).lower()}{paused}"
    kind = next((name for name in trigger if name != "pause_status"), "")
    return f"on {kind.replace('_', ' ')}{paused}" if kind else ""


def _with_last_run(
    calls: Calls, definition: Definition, view: Mapping[str, Any], *, now: Callable[[], datetime]
) -> Definition:
    last_at = last_started_at(calls, definition.definition_id)
    at = now()
    is_recent = last_at is not None and at - last_at <= RECENT
    created_at = moment(view.get("created_time"))
    is_new = created_at is not None and at - created_at <= RECENT
    will_run = bool(definition.schedule) and not definition.schedule.endswith("(paused)")
    obstacles = () if is_recent or (is_new and will_run) else (_idle_since(last_at),)
    return replace(definition, last_run_at=last_at, obstacles=obstacles)


def _idle_since(last_at: datetime | None) -> str:
    since = f"since {last_at:%Y-%m-%d}" if last_at else "yet"
    return (
        f"It has not run {since}; a definition that recurs has run within the last "
        f"{RECENT.days} days."
    )


def _readable(pool_of: PoolOf) -> PoolOf:
    """Return a lookup of pools to which one that may not be read is empty.

    That one definition's pool is closed must not hide all other definitions.
    """

    def pool(pool_id: str) -> Settings:
        try:
            return pool_of(pool_id)
        except Unavailable:
            raise
        except PlatformError:
            return {}

    return pool
