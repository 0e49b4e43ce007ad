"""Definitions that a user wants imported in; what importing each would change, or why not, out."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Final

from isocost.domain.project import Sla
from isocost.domain.workspace import Workspace
from isocost.errors import InvalidInput, IsocostError, NotFound
from isocost.platforms.host import Definition, Host
from isocost.usecases.adopt import Listed, listed, planned_set_up
from isocost.usecases.loop import Loop

# Enough for a mean, few enough to be of today's program and data.
_RECENT_RUNS: Final = 10

ReadLogs = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deadline:
    """How a project gets its maximum runtime: stated, or from how long its runs take.

    Attributes:
        max_runtime_s: None where it is derived, or set later.
        factor: times the mean of the recent successful runs; None for none.
    """

    max_runtime_s: float | None
    factor: float | None
    miss_fraction: float

    def __post_init__(self) -> None:
        if self.max_runtime_s is not None and self.factor is not None:
            raise InvalidInput(
                "A maximum runtime is stated or derived, not both. Pass --max-runtime or "
                "--max-runtime-factor."
            )
        if self.factor is not None and not 0 < self.factor < float("inf"):
            raise InvalidInput(
                f"The maximum runtime is a factor above 0 times the usual one; got {self.factor}."
            )


@dataclass(frozen=True, slots=True)
class PlannedImport:
    """One definition and what importing it would do.

    Attributes:
        difference: to the definition, a line for each value, and to the webhook it is to call.
        why_not: a sentence each; empty if it can be imported.
        notes: what a user should know before.
        project_id: of the project that it is already.
    """

    definition: Definition
    sla: Sla | None = None
    difference: tuple[str, ...] = ()
    why_not: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    project_id: str | None = None


def plan_imports(
    loop: Loop,
    workspace: Workspace,
    ids: Collection[str],
    *,
    deadline: Deadline,
    read_logs: ReadLogs,
) -> list[PlannedImport]:
    """Return what importing definitions would do, by id; `ids` empty stands for all that qualify.

    Changes nothing.

    Args:
        loop: its store and workspaces are read.
        workspace: in which they are.
        ids: of definitions.
        deadline: that each gets.
        read_logs: tries whether a log destination may be listed; raises where it may not. Asked
            once for each destination, however many clusters deliver there.

    Raises:
        NotFound: some id is no definition's.
        PlatformError: the workspace refuses or cannot be reached.
    """
    host = loop.host_of(workspace)
    entries = listed(loop.store, workspace, host)
    planner = _Planner(workspace, host, deadline, _Destinations(read_logs))
    return [planner.planned(entry) for entry in _chosen(entries, ids, workspace)]


def _chosen(
    entries: Sequence[Listed], ids: Collection[str], workspace: Workspace
) -> Iterator[Listed]:
    by_id = {entry.definition.definition_id: entry for entry in entries}
    unknown = [each for each in ids if each not in by_id]
    if unknown:
        raise NotFound(
            f"Workspace {workspace.name!r} has no job {', '.join(unknown)}, or its token may not "
            f"see it. See what there is: isocost job list {workspace.name}"
        )
    for entry in [by_id[each] for each in ids] if ids else entries:
        if ids or entry.is_importable:
            yield entry


class _Destinations:
    """Log destinations, each tried once: an import of many jobs has few."""

    def __init__(self, read_logs: ReadLogs) -> None:
        self._read_logs = read_logs
        self._known: dict[str, IsocostError | None] = {}

    def check(self, location: str) -> None:
        """Raise what reading there raises; where nothing is yet, the first delivery makes it."""
        place = location.rstrip("/")
        if place not in self._known:
            self._known[place] = self._fault_of(location)
        fault = self._known[place]
        if fault is not None:
            raise fault

    def _fault_of(self, location: str) -> IsocostError | None:
        try:
            self._read_logs(location)
        except NotFound:
            return None
        except IsocostError as error:
            return error
        return None


@dataclass(frozen=True)
class _Planner:
    workspace: Workspace
    host: Host
    deadline: Deadline
    logs: _Destinations

    def planned(self, entry: Listed) -> PlannedImport:
        definition = entry.definition
        if not entry.is_importable:
            return PlannedImport(definition, why_not=entry.why_not, project_id=entry.project_id)
        try:
            sla = self._sla(definition)
            webhook_id, telling = self._webhook
            plan = planned_set_up(self.workspace, self.host, definition, webhook_id=webhook_id)
            silent = tuple(self._checked_logs(definition))
        except IsocostError as error:  # one that cannot be had should not stop the others
            return PlannedImport(definition, why_not=(str(error),))
        if plan.refusal is not None:
            return PlannedImport(definition, why_not=(plan.refusal,))
        return PlannedImport(definition, sla, (*telling, *plan.difference), notes=silent)

    @cached_property
    def _webhook(self) -> tuple[str, tuple[str, ...]]:
        """What names the webhook in a definition, and what importing does to the webhook."""
        url = self.workspace.webhook_url
        if not url:
            return "", ()
        known = self.host.known_webhook(url)
        if known is None:
            return f"new, for {url}", (f"notification destination for {url}: none → new",)
        # Nobody can see the secret that it has, so it is always told.
        return known, (f"notification destination for {url}: {known}, its secret is told anew",)

    def _sla(self, definition: Definition) -> Sla | None:
        deadline = self.deadline
        if deadline.factor is None:
            return (
                None
                if deadline.max_runtime_s is None
                else Sla(deadline.max_runtime_s, deadline.miss_fraction)
            )
        ended = [r for r in self.host.ended_runs(definition.definition_id, None) if r.is_success]
        recent = [(r.ended_at - r.started_at).total_seconds() for r in ended[-_RECENT_RUNS:]]
        if not recent:
            raise InvalidInput(
                "No run of it has succeeded yet, so no maximum runtime can be derived. State it "
                "with --max-runtime."
            )
        return Sla(fmean(recent) * deadline.factor, deadline.miss_fraction)

    def _checked_logs(self, definition: Definition) -> Iterator[str]:
        """Yield what is to be known of where its clusters' logs will lie.

        Raises what reading there raises.
        """
        for key, cluster in definition.clusters.items():
            # A destination that a cluster has is kept.
            location = cluster.log_destination or self.workspace.log_destination
            if not location:
                yield (
                    f"cluster {key} delivers no event logs, so nothing can be learned of its "
                    "stages; add the workspace again with --log-destination"
                )
                continue
            self.logs.check(location)
