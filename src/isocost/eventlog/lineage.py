"""Which stage made what another one reads, though Spark gives the same output many stage IDs.

A spark job lists all stages it may need. One whose output is still there from an earlier job is
skipped: it has a new ID and never runs. It is known by its RDD, which it shares with the stage
that did run. Adaptive execution does this at every step: each shuffle is a spark job of its own,
and the next job's stages read it through a skipped stage.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from isocost.eventlog.events import PlannedStage


@dataclass(slots=True)
class Lineage:
    """The stages that spark jobs planned, until the job's end makes them settled.

    Attributes:
        sources: by stage ID, the stages that made what it reads; only stages that ran.
    """

    sources: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _planned: dict[int, PlannedStage] = field(default_factory=dict)
    _maker_of_rdd: dict[int, int] = field(default_factory=dict)

    def plan(self, stages: Collection[PlannedStage]) -> None:
        """Take the stages a spark job may need."""
        for stage in stages:
            self._planned[stage.stage_id] = stage

    def ran(self, stage_id: int, own_rdd_id: int | None) -> None:
        """Take note that a stage was submitted."""
        if own_rdd_id is not None:
            self._maker_of_rdd[own_rdd_id] = stage_id

    def settle(self, stage_ids: Collection[int], ran: Collection[int]) -> None:
        """Find the sources of a spark job's stages and forget those that never ran."""
        for stage_id in stage_ids:
            if stage_id in ran and stage_id in self._planned:
                self.sources[stage_id] = self._sources(stage_id, ran)
        for stage_id in stage_ids:
            if stage_id not in ran:
                self._planned.pop(stage_id, None)

    def settle_all(self, ran: Collection[int]) -> None:
        """Find the sources of all stages whose spark job has not ended."""
        self.settle([i for i in self._planned if i not in self.sources], ran)

    def _sources(self, stage_id: int, ran: Collection[int]) -> tuple[int, ...]:
        found: set[int] = set()
        visited: set[int] = set()
        pending = list(self._planned[stage_id].parent_ids)
        while pending:
            parent_id = pending.pop()
            if parent_id in visited:
                continue
            visited.add(parent_id)
            if (maker := self._maker(parent_id, ran)) is not None:
                found.add(maker)
            elif parent_id in self._planned:
                pending.extend(self._planned[parent_id].parent_ids)
        return tuple(sorted(found - {stage_id}))

    def _maker(self, stage_id: int, ran: Collection[int]) -> int | None:
        if stage_id in ran:
            return stage_id
        planned = self._planned.get(stage_id)
        if planned is None or not planned.rdds:
            return None
        return self._maker_of_rdd.get(planned.rdds[0].rdd_id)
