"""Event logs as stored: one application's parts in order, each a stream of plain bytes.

The seam between finding bytes and reading events. A part is opened as often as one likes; every
value here can be pickled where its `open` can, so that another process may read it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from isocost.domain.profile import MissingFact
from isocost.errors import IsocostError, UserError


class DamagedPart(UserError):
    """A part's bytes end early or cannot be decoded any further; what came before is good.

    Raised by the iterator of `LogPart.open` after the last good chunk, so that the reader can keep
    what it has and flag the profile incomplete. It reaches a user only if nothing was decoded.

    Attributes:
        part: the part's name.
        reason: what is wrong, as a clause: "the zstd stream ends inside a frame".
        offset_bytes: how far into the stored (compressed) bytes the good ones reach.
    """

    code = "damaged_part"
    http_status = 422

    def __init__(self, reason: str, *, offset_bytes: int, part: str = "") -> None:
        self.part = part
        self.reason = reason
        self.offset_bytes = offset_bytes
        super().__init__(
            f"{part or 'The event log'} is damaged: {reason} at byte {offset_bytes:,}. "
            "If the application still runs, try again after it ended; else copy the file anew."
        )

    def __reduce__(self) -> tuple[Callable[..., "DamagedPart"], tuple[str, int, str]]:
        return _damaged_part, (self.reason, self.offset_bytes, self.part)

    def within(self, part: str) -> "DamagedPart":
        """Return the same fault with the part's name, for layers that know it."""
        return DamagedPart(self.reason, offset_bytes=self.offset_bytes, part=part)

    def as_missing(self) -> MissingFact:
        """Return the fault as a line for `RunProfile.missing`."""
        return MissingFact(
            what=f"events after byte {self.offset_bytes:,} of {self.part or 'the event log'}",
            reason=self.reason,
            effect="Counts and sums are lower bounds; stages and the end may be missing.",
        )


def _damaged_part(reason: str, offset_bytes: int, part: str) -> DamagedPart:
    return DamagedPart(reason, offset_bytes=offset_bytes, part=part)


@dataclass(frozen=True, slots=True)
class LogPart:
    """One file, or one member of an archive, of one application's event log.

    Attributes:
        name: the location as the user would name it; an archive's member is `archive!member`.
        open: a fresh iterator over decompressed chunks, none of them empty, most of 64 KiB to
            1 MiB and none above 32 MiB; a line may span chunks. It raises `DamagedPart` after the
            last good chunk and `PlatformError` or `NotFound` where the place fails.
        stored_bytes: size as stored, compressed; None if the place does not say.
        modified_at: aware, UTC; None if the place does not say.
        is_in_progress: the name says that Spark is still writing it, or was when it died.
    """

    name: str
    open: Callable[[], Iterator[bytes]] = field(repr=False)
    stored_bytes: int | None = None
    modified_at: datetime | None = None
    is_in_progress: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationLog:
    """The parts of one application attempt in the order they were written.

    Attributes:
        location: what the user would pass to read just this one.
        parts: never empty.
        missing: faults of the layout, such as a gap in the rollover numbers; they make the
            profile incomplete.
        notes: what was seen and changes no number, such as a part stored twice with equal
            content; harmless, so they leave the profile complete.
    """

    location: str
    parts: tuple[LogPart, ...]
    missing: tuple[MissingFact, ...] = ()
    notes: tuple[MissingFact, ...] = ()

    @property
    def is_in_progress(self) -> bool:
        """Whether Spark marked any part as still being written."""
        return any(part.is_in_progress for part in self.parts)

    @property
    def stored_bytes(self) -> int | None:
        """Sum over the parts; None if the place does not say of one of them."""
        sizes = [part.stored_bytes for part in self.parts]
        return None if None in sizes else sum(size for size in sizes if size is not None)


@dataclass(frozen=True, slots=True)
class FailedLog:
    """A log that was found and cannot be read; its neighbours are not affected."""

    location: str
    error: IsocostError


@dataclass(frozen=True, slots=True)
class OpenedLogs:
    """All that lies at one location.

    Attributes:
        applications: one for each attempt of each application, in order of location.
        failed: files that are event logs by name or codec and yet cannot be read.
        strays: files passed over because they hold no Spark events.
    """

    location: str
    applications: tuple[ApplicationLog, ...]
    failed: tuple[FailedLog, ...] = ()
    strays: tuple[str, ...] = ()

    def named_as_asked(self) -> "OpenedLogs":
        """Return the same; a log that is alone here is called by the location asked for."""
        if len(self.applications) != 1 or self.failed:
            return self
        return replace(self, applications=(replace(self.applications[0], location=self.location),))
