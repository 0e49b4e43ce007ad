"""What a databricks job's code does when it runs: a workload for each task key, and its life.

A real workspace runs notebooks; a simulated one is told beforehand what they would do, or draws it
from the name of what runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from isocost.simulator.conditions import RunConditions, Scenario
from isocost.simulator.workload import Workload
from isocost.simulator.workspace.shapes import drawn_workload
from isocost.simulator.workspace.values import seed_of


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What runs under one databricks job.

    Attributes:
        workloads: by task key; what is not named is drawn.
        scenario: how input, code and surroundings change over the calendar.
    """

    workloads: Mapping[str, Workload] = field(default_factory=dict)
    scenario: Scenario | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong in a whole workspace, or for one databricks job, between two moments."""

    begin_at: datetime
    end_at: datetime
    job_id: int | None = None
    spot_losses_per_node_hour: float = 0.0
    slowdown: float = 1.0
    is_capacity_missing: bool = False

    def meets(self, job_id: int | None, at: datetime) -> bool:
        """Say whether it falls upon a run of this databricks job requested now."""
        return self.begin_at <= at < self.end_at and self.job_id in {None, job_id}


class Behaviours:
    """The behaviour of every databricks job of a workspace."""

    def __init__(self, seed: int, begin_at: datetime) -> None:
        self._seed = seed
        self._usual = Scenario(begin_at)
        self._by_job: dict[int, Behaviour] = {}
        self.troubles: list[Trouble] = []

    def set(self, job_id: int, behaviour: Behaviour) -> None:
        """Say what runs under a databricks job from now on."""
        self._by_job[job_id] = behaviour

    def repeat(self, job_id: int, other_id: int) -> None:
        """Have another databricks job do what this one was told to do."""
        if job_id in self._by_job:
            self._by_job[other_id] = self._by_job[job_id]

    def workload(self, job_id: int | None, task_key: str, at: datetime) -> Workload:
        """Return what an entry of the definition would do if it ran now."""
        behaviour = self._of(job_id)
        found = behaviour.workloads.get(task_key)
        if found is None:
            found = drawn_workload(seed_of(self._seed, job_id, task_key), task_key)
        return self._scenario(behaviour).workload_at(found, at)

    def conditions(self, job_id: int | None, at: datetime) -> RunConditions:
        """Return what holds for a run that is requested now."""
        usual = self._scenario(self._of(job_id)).conditions_at(at)
        present = [each for each in self.troubles if each.meets(job_id, at)]
        losses = [each.spot_losses_per_node_hour for each in present]
        return RunConditions(
            input_scale=usual.input_scale,
            noise_cv=usual.noise_cv,
            spot_losses_per_node_hour=max([usual.spot_losses_per_node_hour, *losses]),
            slowdown=max([usual.slowdown, *(each.slowdown for each in present)]),
            is_capacity_missing=any(each.is_capacity_missing for each in present),
        )

    def _of(self, job_id: int | None) -> Behaviour:
        return self._by_job.get(job_id, Behaviour()) if job_id is not None else Behaviour()

    def _scenario(self, behaviour: Behaviour) -> Scenario:
        return behaviour.scenario or self._usual
