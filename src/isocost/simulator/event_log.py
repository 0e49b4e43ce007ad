"""A run in, the event log that Spark or Databricks would have written of it out.

Databricks keeps the newest part of a log as `eventlog` and packs older ones as
`eventlog-<date>--<hour>-<minute>.gz`, named after the moment they were closed. Each part begins
with a line of its own that says which context it belongs to and its number; no part holds an
application end. Spark's own layout is one file with a beginning and an end.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from isocost.errors import InvalidInput
from isocost.simulator import log_stages
from isocost.simulator.identity import RunIdentity
from isocost.simulator.log_lines import Lines, event
from isocost.simulator.log_spark_tasks import spark_task_lines
from isocost.simulator.run import Integers, SimulatedRun
from isocost.units import MS_PER_S, S_PER_HOUR, S_PER_MINUTE

# Databricks closes a part at each full hour: parts of a measured log are called 17-00 and 18-00.
ROLL_EVERY_S: Final = S_PER_HOUR
# Speed counts here, and lines are so alike that level 1 already packs them 15 times.
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # zlib's word for a gzip header and the largest window


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of an event log.

    Attributes:
        name: without a folder.
        closed_at: when the last byte was written.
    """

    name: str
    content: bytes
    closed_at: datetime


def databricks_log(
    run: SimulatedRun, identity: RunIdentity, *, roll_every_s: int = ROLL_EVERY_S
) -> Iterator[LogFile]:
    """Yield the parts of a Databricks event log in order; nothing if Spark never started.

    Raises:
        InvalidInput: parts shorter than a minute would have the same name.
    """
    if roll_every_s < S_PER_MINUTE:
        raise InvalidInput(
            f"A part of an event log lasts {S_PER_MINUTE} s or longer, since it is named by the "
            f"minute; got {roll_every_s} s. Roll less often."
        )
    at_ms, texts = _sorted_lines(run, identity, is_databricks=True)
    part_of = at_ms // (roll_every_s * MS_PER_S)
    edges = [0, *(np.flatnonzero(np.diff(part_of)) + 1).tolist(), len(texts)]
    for number in range(len(edges) - 1):
        first, after = edges[number], edges[number + 1]
        if first == after:
            return
        head = event(
            "DBCEventLoggingListenerMetadata",
            **{
                "Spark Version": run.cluster.spark_version,
                "Timestamp": int(at_ms[first]),
                "Rollover Number": number,
                "SparkContext Id": identity.spark_context_id,
            },
        )
        content = _joined([head, *texts[first:after]])
        is_newest = after == len(texts)
        closed_ms = at_ms[-1] if is_newest else (part_of[first] + 1) * roll_every_s * MS_PER_S
        closed_at = _moment(int(closed_ms))
        if is_newest:
            yield LogFile("eventlog", content, closed_at)
        else:
            name = f"eventlog-{closed_at:%Y-%m-%d--%H-%M}.gz"
            yield LogFile(name, _gzipped(content), closed_at)


def spark_log(run: SimulatedRun, identity: RunIdentity) -> LogFile:
    """Return the log as Spark itself writes it: one plain file, named after the application."""
    at_ms, texts = _sorted_lines(run, identity, is_databricks=False)
    closed_at = _moment(int(at_ms[-1])) if texts else run.requested_at
    return LogFile(identity.application_id, _joined(texts), closed_at)


def event_texts(run: SimulatedRun, identity: RunIdentity) -> list[str]:
    """Return all lines of a Databricks log in order, without those that begin a part."""
    return _sorted_lines(run, identity, is_databricks=True)[1]


def _sorted_lines(
    run: SimulatedRun, identity: RunIdentity, *, is_databricks: bool
) -> tuple[Integers, list[str]]:
    """Return when each line was written, in ms since 1970, and the lines, in order."""
    if run.application_start_s is None:
        return np.zeros(0, dtype=np.int64), []
    groups = [
        log_stages.head_lines(run, identity, is_databricks=is_databricks),
        *log_stages.executor_lines(run),
        *log_stages.sql_lines(run),
        *log_stages.spark_job_lines(run),
        *log_stages.stage_lines(run),
        *spark_task_lines(run),
    ]
    if not is_databricks:
        groups.append(log_stages.end_lines(run))
    return _in_order(run, groups)


def _in_order(run: SimulatedRun, groups: Sequence[Lines]) -> tuple[Integers, list[str]]:
    at_s = np.concatenate([group.at_s for group in groups])
    rank = np.concatenate([np.full(len(group.texts), int(group.rank)) for group in groups])
    texts = [text for group in groups for text in group.texts]
    order = np.lexsort((rank, at_s))
    begin_ms = run.requested_at.timestamp() * MS_PER_S
    at_ms: Integers = np.rint(begin_ms + at_s[order] * MS_PER_S).astype(np.int64)
    return at_ms, [texts[place] for place in order.tolist()]


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / MS_PER_S, UTC)


def _joined(texts: Sequence[str]) -> bytes:
    if not texts:
        return b""
    return ("\n".join(texts) + "\n").encode()


def _gzipped(content: bytes) -> bytes:
    """Return the bytes packed, without a time stamp: the same run gives the same file."""
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(content) + packer.flush()
