"""A finished run in; its runtime and cost, and its profile if it left a log, in the store out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite

from isocost.domain.cluster import NodeType
from isocost.domain.profile import RunProfile
from isocost.domain.run import Run, RunEvent
from isocost.errors import InternalError, UnreadableLog
from isocost.pricing.list_cost import list_cost
from isocost.store.base import Store

ReadProfile = Callable[[str], RunProfile]


def ingest(
    store: Store, run: Run, *, read_profile: ReadProfile, node_types: Sequence[NodeType]
) -> Run:
    """Read the run's event log and remember what it says, all of it or nothing.

    A run without an event log keeps the runtime that was measured, and gets no profile.

    Raises:
        UserError: if the event log cannot be read or its runtime is no positive number; nothing
            is stored then.
    """
    if run.timeline is None or (run.event_log is None and run.runtime_s is None):
        raise InternalError(
            f"Run {run.run_id} is finished without a timeline, or with neither an event log nor a "
            "runtime. Please report this."
        )
    profile = None if run.event_log is None else _profile(run.event_log, read_profile)
    ingested = replace(
        run.after(RunEvent.INGEST),
        runtime_s=run.runtime_s if profile is None else profile.runtime_s,
        cost=list_cost(run.timeline, node_types),
    )
    with store.transaction() as tx:
        if profile is not None:
            tx.put_profile(run.run_id, profile)
        tx.put_run(ingested)
    return ingested


def _profile(event_log: str, read_profile: ReadProfile) -> RunProfile:
    profile = read_profile(event_log)
    if not isfinite(profile.runtime_s) or profile.runtime_s <= 0:
        raise UnreadableLog(
            f"{event_log} gives the application a runtime of {profile.runtime_s} s, which "
            "nothing can be learned from. Check the clock of the driver's machine, and run it "
            "again."
        )
    return profile


def failed_run(run: Run, failure: str, node_types: Sequence[NodeType]) -> Run:
    """Return the run as failed; its machines were paid for, so what ran has its list cost."""
    failed = replace(run.after(RunEvent.FAIL), failure=failure)
    known = {node_type.node_type_id for node_type in node_types}
    nodes = () if run.timeline is None else run.timeline.nodes
    if run.timeline is None or any(node.node_type_id not in known for node in nodes):
        return failed
    return replace(failed, cost=list_cost(run.timeline, node_types))
