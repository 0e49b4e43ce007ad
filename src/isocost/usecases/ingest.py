"""A finished run in; its profile, runtime and cost in the store out."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from isocost.domain.cluster import NodeType
from isocost.domain.profile import RunProfile
from isocost.domain.run import Run, RunEvent
from isocost.errors import InternalError
from isocost.pricing.list_cost import list_cost
from isocost.store.base import Store

ReadProfile = Callable[[str], RunProfile]


def ingest(
    store: Store, run: Run, *, read_profile: ReadProfile, node_types: Sequence[NodeType]
) -> Run:
    """Read the run's event log and remember what it says, all of it or nothing.

    Raises:
        UserError: if the event log cannot be read; nothing is stored then.
    """
    if run.timeline is None or run.event_log is None:
        raise InternalError(
            f"Run {run.run_id} is finished without a timeline or an event log. Please report this."
        )
    profile = read_profile(run.event_log)
    ingested = replace(
        run.after(RunEvent.INGEST),
        runtime_s=profile.runtime_s,
        cost=list_cost(run.timeline, node_types),
    )
    with store.transaction() as tx:
        tx.put_profile(run.run_id, profile)
        tx.put_run(ingested)
    return ingested
