"""Where a cluster delivers its event log in; whether the last delivery has come out.

Databricks copies logs every five minutes and once more after the cluster's end
(docs.databricks.com, "Compute log delivery"). So a file written after the end is the last.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from isocost.errors import NotFound
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.times import moment
from isocost.platforms.host import CollectedCluster

DELIVERY_PERIOD: Final = timedelta(minutes=5)
# When nothing has been written for three periods, the last delivery had nothing new to bring.
_CALM: Final = 3 * DELIVERY_PERIOD
# The moments of files are cut to whole seconds by some stores.
_CLOCK_GRAIN: Final = timedelta(seconds=1)
_DBFS: Final = "/api/2.0/dbfs/list"
_VOLUMES: Final = "/api/2.0/fs/directories"
_READ: Final = "READ VOLUME on the volume, or read access to DBFS,"
# `eventlog/<cluster id>_<address>/<context id>/` holds the parts.
_DEPTH: Final = 3
_LOG: Final = "eventlog"


def are_settled(calls: Calls, cluster: CollectedCluster, now: datetime) -> bool:
    """Whether the last delivery has come; see `Host.are_logs_settled`.

    A cluster without a log has nothing to wait for. Of a bucket, which the workspace does not
    list, only the time can be told.
    """
    if not cluster.log_locations:
        return True
    location = cluster.log_locations[-1]
    if not location.startswith(("dbfs:/", "/Volumes/")):
        return now >= cluster.ended_at + _CALM
    written_at = newest_at(calls, location)
    if written_at is None:
        return False
    if written_at + _CLOCK_GRAIN >= cluster.ended_at:
        return True
    is_near = written_at + DELIVERY_PERIOD >= cluster.ended_at
    return is_near and now >= cluster.ended_at + _CALM


def newest_at(calls: Calls, location: str) -> datetime | None:
    """Return when the newest part of an event log was written; None if there is none.

    Raises:
        PlatformError: the location may not be read.
    """
    try:
        found = [at for at in _parts_at(calls, location.rstrip("/"), _DEPTH) if at is not None]
    except NotFound:
        return None
    return max(found, default=None)


def can_list(calls: Calls, destination: str) -> None:
    """Look into a log destination; one where nothing was delivered yet is fine.

    Raises:
        PlatformError: it may not be read.
    """
    try:
        _entries(calls, destination)
    except NotFound:
        return


def _parts_at(calls: Calls, folder: str, depth: int) -> Iterator[datetime | None]:
    for entry in _entries(calls, folder):
        path = str(entry.get("path") or "").rstrip("/")
        is_folder = bool(entry.get("is_dir") or entry.get("is_directory"))
        if is_folder and depth > 1:
            yield from _parts_at(calls, path, depth - 1)
        elif not is_folder and path.rpartition("/")[2].startswith(_LOG):
            yield moment(entry.get("modification_time") or entry.get("last_modified"))


def _entries(calls: Calls, folder: str) -> list[Mapping[str, Any]]:
    what = f"listing {folder}"
    if "/Volumes/" in folder:
        path = _VOLUMES + quote(folder.removeprefix("dbfs:"))
        pages = calls.pages(what, path, {}, grant=_READ)
        return [entry for page in pages for entry in page.get("contents") or ()]
    # Folders come as `/…`, destinations as `dbfs:/…`.
    answer = calls.get(what, _DBFS, {"path": folder.removeprefix("dbfs:")}, grant=_READ)
    return list(answer.get("files") or ())
