"""Measured grids: what one workload's runtime was on many clusters, once or several times on each.

They are the truth that a search is measured against: which cluster is the cheapest is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import InvalidInput, NotFound
from isocost.units import S_PER_HOUR


@dataclass(frozen=True, slots=True)
class GridRun:
    """One measured run.

    Attributes:
        runtime_s: of a failed run, how long its cluster was held.
        is_failed: it gave no result.
        is_timed_out: it is a failed run that was stopped, so it would have taken longer.
        input_bytes: None where nobody wrote it down.
        working_set_gib: memory in which all that it caches and shuffles fits, over all nodes; 0.0
            where more memory is known not to help, None where nothing is known.
    """

    runtime_s: float
    is_failed: bool = False
    is_timed_out: bool = False
    input_bytes: float | None = None
    working_set_gib: float | None = None


@dataclass(frozen=True)
class GridCell:
    """One cluster and the runs that were measured on it, at least one.

    A cluster counts as failing if none of its runs succeeded.
    """

    spec: ClusterSpec
    usd_per_hour: float
    runs: tuple[GridRun, ...]

    @cached_property
    def is_failing(self) -> bool:
        """Whether no run succeeded here."""
        return all(run.is_failed for run in self.runs)

    @cached_property
    def runtime_s(self) -> float:
        """The median of the runs that succeeded; of all runs where none did."""
        chosen = [run.runtime_s for run in self.runs if not run.is_failed or self.is_failing]
        return median(chosen)

    @cached_property
    def cost_usd(self) -> float:
        """What the median run costs at list rates."""
        return self.usd_per_hour * self.runtime_s / S_PER_HOUR


@dataclass(frozen=True)
class GridWorkload:
    """One workload with every cluster it was measured on.

    Attributes:
        name: unique among the workloads of an experiment.
        program: what it is an instance of, at some input size.
        node_types: of the cells, cheapest first.
    """

    name: str
    program: str
    node_types: tuple[NodeType, ...]
    cells: tuple[GridCell, ...]

    def __post_init__(self) -> None:
        if all(cell.is_failing for cell in self.cells):
            raise InvalidInput(
                f"No run of workload {self.name!r} succeeded, so there is no cluster to find. "
                "Leave it out, or correct the grid."
            )

    @cached_property
    def specs(self) -> tuple[ClusterSpec, ...]:
        """The clusters, in the order of the file."""
        return tuple(cell.spec for cell in self.cells)

    @cached_property
    def succeeding(self) -> tuple[GridCell, ...]:
        """The cells on which a run succeeded."""
        return tuple(cell for cell in self.cells if not cell.is_failing)

    @cached_property
    def _by_spec(self) -> dict[ClusterSpec, GridCell]:
        return {cell.spec: cell for cell in self.cells}

    def cell(self, spec: ClusterSpec) -> GridCell:
        """Return what was measured on one cluster; raises NotFound if nothing was."""
        found = self._by_spec.get(spec)
        if found is None:
            near = [str(s) for s in self.specs if s.node_type_id == spec.node_type_id]
            raise NotFound(
                f"No run of {self.name} on {spec} was recorded. Recorded are, among "
                f"{len(self.cells)} clusters: {', '.join(near or map(str, self.specs[:6]))}."
            )
        return found

    def without_failing(self) -> "GridWorkload":
        """Return this workload as if nothing had failed: no failing cluster, no failed run."""
        return replace(self, cells=tuple(_without_failed_runs(cell) for cell in self.succeeding))

    def without_working_set(self) -> "GridWorkload":
        """Return this workload as if nobody knew its working set."""
        return replace(self, cells=tuple(_without_working_set(cell) for cell in self.cells))

    def optimum(self, max_runtime_s: float | None) -> GridCell | None:
        """Return the cheapest cell that succeeds, in time if there is a deadline; None if none."""
        in_time = [
            cell
            for cell in self.succeeding
            if max_runtime_s is None or cell.runtime_s <= max_runtime_s
        ]
        return min(in_time, key=lambda cell: (cell.cost_usd, cell.spec), default=None)


def _without_failed_runs(cell: GridCell) -> GridCell:
    return replace(cell, runs=tuple(run for run in cell.runs if not run.is_failed))


def _without_working_set(cell: GridCell) -> GridCell:
    return replace(cell, runs=tuple(replace(run, working_set_gib=None) for run in cell.runs))


def workload_named(name: str, workloads: Sequence[GridWorkload]) -> GridWorkload:
    """Return the workload of this name; raises NotFound if there is none."""
    for workload in workloads:
        if workload.name == name:
            return workload
    raise NotFound(
        f"No workload {name!r} is recorded. Recorded are {', '.join(w.name for w in workloads)}."
    )
