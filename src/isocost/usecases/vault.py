"""Applications or an event log in; workloads in a vault, resumable one by one, out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.profile import RunProfile
from isocost.errors import ClusterTooLarge, IsocostError
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.provenance import RecordedOn, recording_from_profile
from isocost.jobbank.vault.recording import Recording
from isocost.platforms.base import Platform, RunRequest
from isocost.simulator.machines import REFERENCE_COREMARK

OWN_PREFIX: Final = "own"
RUN_PREFIX: Final = "vault"


class OnDone(Protocol):
    """Hears of each application that is over."""

    def __call__(self, message: str, *, done: int, total: int) -> None:
        """Take what happened, and how many of how many are over."""
        ...


@dataclass(frozen=True, slots=True)
class Recorder:
    """What applications are recorded with.

    Attributes:
        vault: the file that takes them.
        read_profile: a location of an event log → its run profile.
    """

    platform: Platform
    vault: Path
    on: RecordedOn
    read_profile: Callable[[str], RunProfile]


@dataclass(slots=True)
class RecordedAll:
    """What came of recording some applications; `failed` is name → reason."""

    recorded: list[Recording] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def record_applications(
    names: Sequence[str], recorder: Recorder, *, is_again: bool, on_done: OnDone
) -> RecordedAll:
    """Run applications one after another and put each into the vault at once.

    One that the vault has already is skipped; one that fails stops none of the others.

    Raises:
        UserError: if a name is unknown, the software is missing or the vault cannot be used.
    """
    found = RecordedAll()
    known = set() if is_again else {each.name for each in shelf.own(recorder.vault)}
    found.skipped = [name for name in names if name in known]
    left = [name for name in names if name not in known]
    recorder.platform.prepare(left)
    spec = recording_cluster(recorder.platform)
    for done, name in enumerate(left, start=1):
        result = _recorded(name, spec, recorder)
        if isinstance(result, Recording):
            shelf.put(recorder.vault, [result])
            found.recorded.append(_as_stored(result))
            message = f"{name} recorded"
        else:
            found.failed[name] = result
            message = f"{name} failed: {result}"
        on_done(message, done=done, total=len(left))
    return found


def record_log(
    profile: RunProfile, name: str | None, *, vault: Path, machines: Mapping[str, NodeType]
) -> Recording:
    """Distil somebody's run into a vault; without a name it gets the application's.

    Raises:
        InvalidInput: if the log shows no whole run, the name is none or the vault unusable.
    """
    recording = recording_from_profile(
        profile, name or own_name(profile.application_name), recorded_on(profile, machines)
    )
    shelf.put(vault, [recording])
    return _as_stored(recording)


def _as_stored(recording: Recording) -> Recording:
    """Return a recording as the vault will tell it; its size by default depends on whose it is."""
    return replace(recording, is_own=True)


def recorded_on(profile: RunProfile, machines: Mapping[str, NodeType]) -> RecordedOn:
    """Return what a log says of the machines that its application ran on.

    Args:
        profile: of the run.
        machines: every known node type by name, for the speed of its cores.
    """
    node_type_id = profile.cluster.worker_node_type if profile.cluster else None
    if node_type_id is None:
        return RecordedOn("a machine that the event log does not name")
    node_type = machines.get(node_type_id)
    if node_type is None or node_type.coremark is None:
        return RecordedOn(node_type_id)
    speed = node_type.coremark / node_type.cores / REFERENCE_COREMARK
    return RecordedOn(node_type_id, cpu_speed=speed)


def own_name(application_name: str) -> str:
    """Return a vault's name for an application's."""
    words = re.findall(r"[a-z0-9]+", application_name.lower())
    return f"{OWN_PREFIX}/{'-'.join(words)[:60].strip('-') or 'application'}"


def recording_cluster(platform: Platform) -> ClusterSpec:
    """Return one worker of the largest kind that fits: no shuffle leaves its machine.

    Raises:
        ClusterTooLarge: if the machine has no room for any.
    """
    fitting = [
        node_type
        for node_type in platform.node_types()
        if node_type.cores <= platform.capacity_cores()
        and node_type.memory_gib <= platform.capacity_gib()
    ]
    if not fitting:
        raise ClusterTooLarge(
            f"No worker of {platform.name} fits this machine, which has "
            f"{platform.capacity_cores()} cores and {platform.capacity_gib():.1f} GiB beside the "
            "driver. Free memory, or record on a larger machine."
        )
    largest = max(fitting, key=lambda node_type: (node_type.cores, node_type.memory_gib))
    return ClusterSpec(largest.node_type_id, 1)


def _recorded(name: str, spec: ClusterSpec, recorder: Recorder) -> Recording | str:
    """Run and distil one application; return the recording, or why there is none."""
    outcome = recorder.platform.execute(RunRequest(f"{RUN_PREFIX}-{name}", name, spec))
    if outcome.failure is not None or outcome.event_log is None:
        return outcome.failure or "it left no event log"
    try:
        profile = recorder.read_profile(str(outcome.event_log))
        return recording_from_profile(profile, name, recorder.on)
    except IsocostError as error:
        return str(error)
