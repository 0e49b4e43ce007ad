"""A location in, the run profiles of all applications there out, read side by side."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing import get_context
from typing import Final

from isocost.domain.finding import Finding
from isocost.domain.profile import RunProfile
from isocost.errors import InternalError, IsocostError
from isocost.eventlog.findings import findings_of
from isocost.eventlog.parts import ApplicationLog, FailedLog
from isocost.eventlog.summarize import ReadOptions, read_profile
from isocost.eventlog.thresholds import Thresholds
from isocost.units import BYTES_PER_MIB
from isocost.usecases.open_log import LogStores, open_logs


@dataclass(frozen=True, slots=True)
class ProfiledLog:
    """One application attempt's profile.

    Attributes:
        is_newest_attempt: no later attempt of the same application is among the logs.
    """

    location: str
    profile: RunProfile
    findings: tuple[Finding, ...]
    is_newest_attempt: bool = True


@dataclass(frozen=True, slots=True)
class ProfiledLogs:
    """All that was found at a location, in order of the logs' locations.

    Attributes:
        strays: files passed over because they hold no Spark events.
    """

    location: str
    logs: tuple[ProfiledLog, ...]
    failed: tuple[FailedLog, ...]
    strays: tuple[str, ...] = ()


# Above any chunk, line buffer or decoder's window that is usual, and half of glibc's limit.
_LARGEST_KEPT_BYTES: Final = 16 * BYTES_PER_MIB

Outcome = ProfiledLog | FailedLog
OnDone = Callable[[Outcome, int, int], None]


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """How to read and judge.

    Attributes:
        process_count: how many logs to read at once, each in a process of its own.
    """

    reading: ReadOptions
    thresholds: Thresholds
    process_count: int = 1


def profile_logs(
    location: str,
    stores: LogStores,
    options: ProfileOptions,
    *,
    on_done: OnDone = lambda outcome, done, total: None,
) -> ProfiledLogs:
    """Profile every application at a location; a bad log stops none of the others.

    Args:
        location: as `open_logs` takes it.
        stores: where logs may lie.
        options: how to read and judge.
        on_done: told each outcome as it comes, with how many are done and how many there are.

    Raises:
        IsocostError: as `open_logs` does; and the log's own error if it is the only one there.
    """
    opened = open_logs(location, stores)
    total = len(opened.applications)
    outcomes: dict[str, Outcome] = {}
    for outcome in _outcomes(opened.applications, options):
        outcomes[outcome.location] = outcome
        on_done(outcome, len(outcomes), total)
    failed = [o for o in outcomes.values() if isinstance(o, FailedLog)]
    if total == 1 and failed and not opened.failed:
        raise failed[0].error
    return ProfiledLogs(
        location=opened.location,
        logs=_marked([o for o in outcomes.values() if isinstance(o, ProfiledLog)]),
        failed=(*opened.failed, *sorted(failed, key=lambda log: log.location)),
        strays=opened.strays,
    )


def profile_log(log: ApplicationLog, options: ProfileOptions) -> Outcome:
    """Profile one application, or say why not; for a process of its own."""
    try:
        _keep_freed_memory()
        with _uncollected():
            profile = read_profile(log, options.reading)
    except IsocostError as error:
        return FailedLog(log.location, error)
    except Exception as error:  # noqa: BLE001  a worker's outer loop: our bug in one log is no
        # reason to lose the others; it comes out as an internal error.
        return FailedLog(log.location, _bug(log, error))
    return ProfiledLog(log.location, profile, findings_of(profile, options.thresholds))


def _keep_freed_memory() -> None:
    """Let the C library reuse the chunks of a log instead of returning each to the system.

    glibc maps large blocks one by one until it sees one freed, then it keeps blocks up to that
    size (mallopt(3), M_MMAP_THRESHOLD). The pages of this one are never touched, so it costs
    nothing; without it, clearing fresh pages was a third of the time for the first gigabyte.
    """
    bytes(_LARGEST_KEPT_BYTES)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the garbage collector: a log makes millions of values and no cycles among them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _outcomes(logs: Sequence[ApplicationLog], options: ProfileOptions) -> Iterator[Outcome]:
    process_count = min(options.process_count, len(logs))
    if process_count <= 1:
        yield from (profile_log(log, options) for log in logs)
        return
    # Spawned, not forked: the parent may run threads (a progress bar, a cloud's client).
    with ProcessPoolExecutor(process_count, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(profile_log, log, options): log for log in logs}
        for future in as_completed(pending):
            yield _outcome(future, pending[future])


def _outcome(future: Future[Outcome], log: ApplicationLog) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as error:
        return FailedLog(log.location, _killed(log, error))


def _marked(logs: Sequence[ProfiledLog]) -> tuple[ProfiledLog, ...]:
    """Return the logs by location, older attempts of an application marked as such."""
    newest: dict[str, datetime] = {}
    for log in logs:
        profile = log.profile
        known = newest.get(profile.application_id, profile.started_at)
        newest[profile.application_id] = max(known, profile.started_at)
    return tuple(
        replace(log, is_newest_attempt=_is_newest(log.profile, newest))
        for log in sorted(logs, key=lambda log: log.location)
    )


def _is_newest(profile: RunProfile, newest: Mapping[str, datetime]) -> bool:
    """Say whether no later attempt is known; a second copy of the same attempt is none."""
    if profile.attempt_id is None:
        return True
    return profile.started_at >= newest[profile.application_id]


def _bug(log: ApplicationLog, error: Exception) -> InternalError:
    return InternalError(
        f"{log.location} could not be profiled: {type(error).__name__}: {error}. That is a fault "
        "of ours; please report it with the file, or the first lines of it."
    )


def _killed(log: ApplicationLog, error: Exception) -> InternalError:
    return InternalError(
        f"{log.location} was not profiled: its process was killed ({error}), most likely for want "
        "of memory. Run it alone, or with fewer --processes."
    )
