"""A stored archive in; its members as candidates for event logs, each to be opened later, out."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from isocost.clouds.base import LogStore, StoredFile
from isocost.domain.profile import MissingFact
from isocost.eventlog import tar, zips
from isocost.eventlog.archive import Budget, Member
from isocost.eventlog.codecs.detect import decompress
from isocost.eventlog.codecs.feed import Feed
from isocost.eventlog.heads import Candidate, Head, Looks, read_head
from isocost.eventlog.layout import arrange, is_junk, is_marked_in_progress
from isocost.eventlog.parts import DamagedPart, LogPart, OpenedLogs

SEPARATOR = "!"  # between an archive's location and its member's path, as Java's URLs have it


def open_archive(store: LogStore, file: StoredFile, looks: Looks) -> OpenedLogs:
    """Return the applications in an archive, read where it lies; `looks` says of which kind.

    Raises:
        UnreadableLog: it is damaged before its first member.
        InvalidInput: it claims more than an archive of event logs may hold.
        PlatformError: the place refused or failed.
    """
    archive = _Zip(store, file) if looks is Looks.ZIP else _Tar(store, file)
    candidates: list[Candidate] = []
    damage: DamagedPart | None = None
    try:
        candidates.extend(_candidates(archive))
    except DamagedPart as fault:
        damage = fault.within(file.location)
    opened = arrange(file.location, candidates).named_as_asked()
    return _with_damage(opened, damage) if damage else opened


def _candidates(archive: "_Zip | _Tar") -> Iterator[Candidate]:
    budget = Budget(archive.file.location, archive.file.size_bytes)
    for member, stored in archive.walk(budget):
        if is_junk(member.name):
            continue
        name = f"{archive.file.location}{SEPARATOR}{member.name}"
        part = LogPart(
            name,
            _MemberPart(name, archive, member).chunks,
            member.size_bytes,
            member.modified_at,
            is_in_progress=is_marked_in_progress(member.name),
        )
        yield Candidate(member.name, part, _head(name, stored))


def _head(name: str, stored: Iterator[bytes]) -> Head:
    head = read_head(name, decompress(stored))
    # An archive in an archive is passed over: nobody ships logs so, and bombs are built so.
    return Head(Looks.FOREIGN, head.error) if head.looks in {Looks.ZIP, Looks.TAR} else head


def _with_damage(opened: OpenedLogs, damage: DamagedPart) -> OpenedLogs:
    """Flag every application of a cut archive: what comes after the cut may belong to any."""
    if not opened.applications:
        raise damage
    fact = MissingFact(
        what=f"files after byte {damage.offset_bytes:,} of {damage.part}, once unpacked",
        reason=damage.reason,
        effect="Parts of this event log may be among them; counts and sums are lower bounds.",
    )
    logs = [replace(log, missing=(*log.missing, fact)) for log in opened.applications]
    return replace(opened, applications=tuple(logs))


@dataclass(frozen=True, slots=True)
class _MemberPart:
    """Opens one member as plain chunks; a value that can be pickled."""

    name: str
    archive: "_Zip | _Tar"
    member: Member

    def chunks(self) -> Iterator[bytes]:
        try:
            yield from decompress(self.archive.member_bytes(self.member))
        except DamagedPart as damage:
            raise damage.within(self.name) from damage


@dataclass(frozen=True, slots=True)
class _Zip:
    store: LogStore
    file: StoredFile

    def walk(self, budget: Budget) -> Iterator[tuple[Member, Iterator[bytes]]]:
        return zips.walk(self._seekable(), self.file.location, budget)

    def member_bytes(self, member: Member) -> Iterator[bytes]:
        return zips.member_bytes(self._seekable(), self.file.location, member)

    def _seekable(self) -> zips.SeekableRanges:
        def read_at(start: int, count: int) -> bytes:
            return self.store.read_range(self.file, start, count)

        return zips.SeekableRanges(read_at, self.file.size_bytes)


@dataclass(frozen=True, slots=True)
class _Tar:
    """A tar archive, which can only be read forward.

    The feed that stands behind the last member read is kept for the next one: parts are mostly
    read in the order in which they lie, and starting anew for each would take quadratic time.
    """

    store: LogStore
    file: StoredFile
    _idle: list[Feed] = field(default_factory=list, compare=False, repr=False)

    def walk(self, budget: Budget) -> Iterator[tuple[Member, Iterator[bytes]]]:
        return tar.walk(self._fresh(), budget)

    def member_bytes(self, member: Member) -> Iterator[bytes]:
        feed = self._feed_before(member.offset_bytes)
        yield from tar.member_bytes(feed, member)
        self._idle.append(feed)

    def _feed_before(self, offset_bytes: int) -> Feed:
        try:
            feed = self._idle.pop()
        except IndexError:
            return self._fresh()
        return feed if feed.offset_bytes <= offset_bytes else self._fresh()

    def _fresh(self) -> Feed:
        return Feed(decompress(self.store.chunks(self.file)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _Tar, (self.store, self.file)
