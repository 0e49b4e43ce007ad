"""Event-log bytes in, one run profile out: the reader's public entry."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from isocost.domain.profile import RunProfile
from isocost.errors import NotAnEventLog
from isocost.eventlog import completeness
from isocost.eventlog.assemble import assemble
from isocost.eventlog.completeness import Gap
from isocost.eventlog.lines import LineBuffer
from isocost.eventlog.parts import ApplicationLog, DamagedPart
from isocost.eventlog.replay import Replay

# Enough to replay a stage on other slots to within a spark task; a stage has 200 by default.
MAX_VALUES_PER_STAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What to keep.

    Attributes:
        max_values_per_stage: spark task durations kept of one stage; more are sampled evenly.
        keep_sql: keep descriptions and plan texts of SQL executions, which may quote data.
    """

    max_values_per_stage: int = MAX_VALUES_PER_STAGE
    keep_sql: bool = False


def read_profile(log: ApplicationLog, options: ReadOptions | None = None) -> RunProfile:
    """Return the profile of one application attempt.

    Args:
        log: its parts, in the order they were written.
        options: what to keep; the defaults if None.

    Raises:
        NotAnEventLog: no line of it is a Spark event.
        UnreadableLog: there are events, but none that tells a time.
        DamagedPart: it is damaged before its first event.
    """
    reader = _Reader(log.location, options)
    for part in log.parts:
        reader.take_part(part.open())
    faults = [Gap(fact) for fact in log.missing]
    return reader.profile(faults + [Gap(fact, is_harmless=True) for fact in log.notes])


def read_profile_from_chunks(
    chunks: Iterable[bytes], location: str = "The event log", options: ReadOptions | None = None
) -> RunProfile:
    """Return the profile of one application from its decompressed bytes, in chunks of any size.

    Raises as `read_profile` does.
    """
    reader = _Reader(location, options)
    reader.take_part(chunks)
    return reader.profile([])


class _Reader:
    """Feeds parts to a replay and keeps what was wrong with them."""

    def __init__(self, location: str, options: ReadOptions | None) -> None:
        self._location = location
        self._options = options or ReadOptions()
        self._replay = Replay(keep_sql=self._options.keep_sql)
        self._damages: list[DamagedPart] = []
        self._is_empty = True

    def take_part(self, chunks: Iterable[bytes]) -> None:
        """Read one part to its end or to where it is damaged.

        No line spans two parts. One that a part breaks off is decoded all the same: it may be
        whole but for its line break, and if not, the decoder says so.
        """
        lines = LineBuffer()
        try:
            for chunk in chunks:
                self._is_empty = self._is_empty and not chunk
                for stretch in lines.feed(chunk):
                    self._replay.feed(stretch)
                if self._replay.is_foreign:
                    raise self._not_an_event_log()
        except DamagedPart as damage:
            self._damages.append(damage)
        self._replay.feed(lines.finish())
        self._replay.faults.oversized_line_count += lines.oversized_line_count

    def profile(self, gaps: list[Gap]) -> RunProfile:
        """Return the profile of all that was taken."""
        replay = self._replay
        replay.finish()
        if not replay.is_event_log:
            if self._damages:
                raise self._damages[0]
            raise self._not_an_event_log()
        gaps += [Gap(damage.as_missing()) for damage in self._damages]
        gaps += completeness.gaps(replay)
        return assemble(replay, gaps, self._options.max_values_per_stage)

    def _not_an_event_log(self) -> NotAnEventLog:
        if self._is_empty:
            return NotAnEventLog(
                f"{self._location} is empty; expected the events of a Spark application, one JSON "
                "object a line. If the application has just started, wait until it has run; else "
                "check spark.eventLog.dir for the right file."
            )
        return NotAnEventLog(
            f"{self._location} holds no Spark events; expected lines such as "
            '{"Event":"SparkListenerApplicationStart",…}. Pass the file or directory that Spark '
            "wrote to spark.eventLog.dir, or the Databricks cluster log directory."
        )
