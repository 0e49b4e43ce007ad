"""Databricks' optimized autoscaling: the last seconds' load in, more or fewer workers out."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

from isocost.simulator.nodes import CHECK_PERIOD_S, LOOK_BACK_S, NodePool
from isocost.simulator.progress import StageProgress
from isocost.simulator.run import NodeEnd


@dataclass(slots=True)
class LoadWatch:
    """How many workers the load of the last checks could have used."""

    needed: deque[int] = field(
        default_factory=lambda: deque(maxlen=round(LOOK_BACK_S / CHECK_PERIOD_S))
    )


class Scaled(Protocol):
    """What autoscaling has to know and may do."""

    pool: NodePool
    active: list[StageProgress]
    busy: list[int]
    slots_per_node: int
    load_watch: LoadWatch

    def request_nodes(self, now_s: float, how_many: int, *, is_replacement: bool) -> None:
        """Ask for more workers."""
        ...

    def take_out(self, ordinal: int, now_s: float, end: NodeEnd) -> None:
        """Remove a worker."""
        ...

    def holds_needed_output(self, ordinal: int) -> bool:
        """Say whether a worker holds shuffle blocks that will be read."""
        ...


def adjust(scaled: Scaled, now_s: float) -> None:
    """Bring the number of workers closer to the load."""
    bounds = scaled.pool.cluster.autoscale
    if bounds is None:
        return
    waiting = sum(len(stage.pending) for stage in scaled.active)
    running = sum(len(stage.running) for stage in scaled.active)
    watch = scaled.load_watch.needed
    watch.append(ceil((waiting + running) / scaled.slots_per_node))
    there = scaled.pool.requested_count
    if waiting and watch[-1] > there and there < bounds.max_workers:
        # Two steps from the minimum to the maximum.
        step = ceil((bounds.max_workers - bounds.min_workers) / 2)
        target = min(bounds.max_workers, there + step, max(watch[-1], there + 1))
        scaled.pool.resize(now_s, target, "AUTOSCALE: more spark tasks wait than run")
        scaled.request_nodes(now_s, target - there, is_replacement=False)
    elif len(watch) == watch.maxlen and max(watch) < there:
        _shrink(scaled, now_s, max(bounds.min_workers, max(watch)))


def _shrink(scaled: Scaled, now_s: float, target: int) -> None:
    """Give back workers that neither work nor hold what will be read, the newest first."""
    surplus = scaled.pool.requested_count - target
    idle = [
        ordinal
        for ordinal, node in reversed(list(enumerate(scaled.pool.nodes)))
        if node.is_alive and scaled.busy[ordinal] == 0
    ]
    leaving = [n for n in idle if not scaled.holds_needed_output(n)][: max(0, surplus)]
    if leaving:
        there = scaled.pool.requested_count
        scaled.pool.resize(now_s, there - len(leaving), "AUTOSCALE: workers were idle")
    for ordinal in leaving:
        scaled.take_out(ordinal, now_s, NodeEnd.SCALED_DOWN)
