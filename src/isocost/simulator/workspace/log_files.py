"""Clusters and a moment in; the files of their logs that have been delivered by then out.

Databricks copies logs to their destination every five minutes and once more after the cluster
ended (docs.databricks.com, "Compute log delivery"). Until then the newest part is cut where the
last delivery found it.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isocost.simulator.event_log import LogFile, databricks_log
from isocost.simulator.workspace.clusters import FullRuns, JobCluster

DELIVERY_PERIOD_S: Final = 300.0
# The last delivery follows the end of the cluster by up to some minutes; one is what a calm
# workspace takes.
LAST_DELIVERY_S: Final = 60.0
# Some 1 MB each, and 0.05 s to make again.
_LOGS_KEPT: Final = 24


@dataclass(frozen=True, slots=True)
class LogTrouble:
    """How the delivery of logs goes wrong for clusters requested between two moments.

    Attributes:
        delay_s: all deliveries come that much later.
        kept_fraction: below 1.0, the newest part never gets longer than this part of it.
        missing_part: number of a part that is never delivered; None for none.
        is_absent: nothing is ever delivered.
    """

    begin_at: datetime
    end_at: datetime
    job_id: int | None = None
    delay_s: float = 0.0
    kept_fraction: float = 1.0
    missing_part: int | None = None
    is_absent: bool = False

    def meets(self, cluster: JobCluster) -> bool:
        """Say whether it falls upon the logs of this cluster."""
        is_in_time = self.begin_at <= cluster.requested_at < self.end_at
        return is_in_time and self.job_id in {None, cluster.job_id}


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """One file that a reader finds."""

    path: str
    size_bytes: int
    modified_at: datetime
    read: Callable[[], bytes]


class Deliveries:
    """What of the clusters' logs lies at their destinations.

    Attributes:
        roll_every_s: how long one part of an event log lasts.
        troubles: what goes wrong; each that meets a cluster applies.
    """

    def __init__(self, full_runs: FullRuns, *, roll_every_s: int) -> None:
        self.roll_every_s = roll_every_s
        self.troubles: list[LogTrouble] = []
        self._full_runs = full_runs
        self._logs: OrderedDict[str, list[LogFile]] = OrderedDict()

    def begins_at(self, cluster: JobCluster) -> datetime | None:
        """Return when the first bytes are delivered; None if none ever are."""
        troubles = self._meeting(cluster)
        started_at = cluster.application_started_at
        if not cluster.log_root or started_at is None or any(t.is_absent for t in troubles):
            return None
        first = started_at + timedelta(seconds=DELIVERY_PERIOD_S)
        last = cluster.released_at + timedelta(seconds=LAST_DELIVERY_S)
        return min(first, last) + timedelta(seconds=_delay_s(troubles))

    def files(self, cluster: JobCluster, now: datetime) -> list[DeliveredFile]:
        """Return a cluster's log files as they are now."""
        begins_at = self.begins_at(cluster)
        if begins_at is None or now < begins_at:
            return []
        written_until = self._written_until(cluster, now)
        host = cluster.outline.nodes[0].host.replace(".", "_")
        folder = f"{cluster.log_root}/eventlog/{cluster.cluster_id}_{host}"
        folder = f"{folder}/{cluster.identity.spark_context_id}"
        output = b"Spark started; the output of notebooks is not simulated.\n"
        stdout = f"{cluster.log_root}/driver/stdout"
        return [
            DeliveredFile(stdout, len(output), begins_at, lambda: output),
            *self._parts(cluster, folder, written_until, at=self._written_at(cluster, now)),
        ]

    def is_complete(self, cluster: JobCluster, now: datetime) -> bool:
        """Say whether nothing more will be delivered."""
        delay_s = _delay_s(self._meeting(cluster)) + LAST_DELIVERY_S
        return now >= cluster.released_at + timedelta(seconds=delay_s)

    def _written_until(self, cluster: JobCluster, now: datetime) -> datetime:
        """Return up to which moment the application's events have been delivered."""
        started_at = cluster.application_started_at or cluster.requested_at
        if self.is_complete(cluster, now):
            return cluster.terminating_at
        since_s = (now - started_at).total_seconds() - _delay_s(self._meeting(cluster))
        periods = int(since_s // DELIVERY_PERIOD_S)
        at = started_at + timedelta(seconds=periods * DELIVERY_PERIOD_S)
        return min(at, cluster.terminating_at)

    def _written_at(self, cluster: JobCluster, now: datetime) -> datetime:
        """Return the newest file's time: a late copy shows the time of what it copies."""
        if not self.is_complete(cluster, now):
            return self._written_until(cluster, now)
        delay_s = _delay_s(self._meeting(cluster)) + LAST_DELIVERY_S
        return cluster.released_at + timedelta(seconds=delay_s)

    def _parts(
        self, cluster: JobCluster, folder: str, written_until: datetime, *, at: datetime
    ) -> Iterator[DeliveredFile]:
        troubles = self._meeting(cluster)
        missing = {trouble.missing_part for trouble in troubles}
        kept_fraction = min((t.kept_fraction for t in troubles), default=1.0)
        opened_at = cluster.application_started_at or cluster.requested_at
        for number, part in enumerate(self._log(cluster)):
            is_newest = part.closed_at >= written_until or part.name == "eventlog"
            length_s = (part.closed_at - opened_at).total_seconds()
            share = (written_until - opened_at).total_seconds() / length_s if length_s else 1.0
            if number not in missing and share > 0:
                if is_newest:
                    yield _open_part(folder, part, min(share, kept_fraction), at=at)
                else:
                    yield _closed_part(folder, part)
            if is_newest:
                return
            opened_at = part.closed_at

    def _log(self, cluster: JobCluster) -> list[LogFile]:
        found = self._logs.get(cluster.cluster_id)
        if found is None:
            run = self._full_runs.of(cluster)
            found = list(databricks_log(run, cluster.identity, roll_every_s=self.roll_every_s))
            self._logs[cluster.cluster_id] = found
            while len(self._logs) > _LOGS_KEPT:
                self._logs.popitem(last=False)
        return found

    def _meeting(self, cluster: JobCluster) -> list[LogTrouble]:
        return [trouble for trouble in self.troubles if trouble.meets(cluster)]


def _delay_s(troubles: list[LogTrouble]) -> float:
    return max((trouble.delay_s for trouble in troubles), default=0.0)


def _closed_part(folder: str, part: LogFile) -> DeliveredFile:
    return DeliveredFile(
        f"{folder}/{part.name}", len(part.content), part.closed_at, lambda: part.content
    )


def _open_part(folder: str, part: LogFile, share: float, *, at: datetime) -> DeliveredFile:
    """Return the part that is still written to, or was last: plain text, cut at `share`."""
    is_packed = part.name.endswith(".gz")
    content = gzip.decompress(part.content) if is_packed else part.content
    if share < 1.0:
        content = content[: int(len(content) * share)]
    return DeliveredFile(f"{folder}/eventlog", len(content), at, lambda: content)
