"""Builders of measured grids small enough to work their figures out by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.grid import GridCell, GridRun, GridWorkload

# One type, at 3.6 USD an hour, so that a node second costs a tenth of a cent.
GRID_NODE: Final = NodeType("m5.large", cores=2, memory_gib=8.0, usd_per_hour=3.6)

# Runtimes by worker count: costs of 1.0, 0.8, 0.9 and 1.2 USD, so 2 nodes are the cheapest.
GRID_RUNTIMES_S: Final = {1: 1000.0, 2: 400.0, 3: 300.0, 6: 200.0}


def a_cluster(worker_count: int) -> ClusterSpec:
    """Return a cluster of the grid's node type."""
    return ClusterSpec(GRID_NODE.node_type_id, worker_count)


def a_cell(worker_count: int, *runs: GridRun | float) -> GridCell:
    """Return a cluster on which runs took so long."""
    measured = tuple(run if isinstance(run, GridRun) else GridRun(run) for run in runs)
    rate = GRID_NODE.usd_per_hour * worker_count
    return GridCell(a_cluster(worker_count), rate, measured)


def a_workload(
    name: str = "sort", runtimes_s: Mapping[int, float] = GRID_RUNTIMES_S, **changes: Any
) -> GridWorkload:
    """Return a workload that was measured once on each of some clusters, by worker count."""
    workload = GridWorkload(
        name=name,
        program=name,
        node_types=(GRID_NODE,),
        cells=tuple(a_cell(count, runtime_s) for count, runtime_s in runtimes_s.items()),
    )
    return replace(workload, **changes)


def a_failed_run(runtime_s: float = 7200.0) -> GridRun:
    """Return a run that failed after so long."""
    return GridRun(runtime_s, is_failed=True)


_CSV_HEADER: Final = (
    "workload,program,instance_type,node_count,cores,memory_gib,usd_per_node_hour,runtime_s,"
    "cost_usd,status,input_bytes,working_set_gib"
)
_CSV_TYPES: Final = (
    ("c5.xlarge", 4, 8, 0.17),
    ("m5.xlarge", 4, 16, 0.192),
    ("r5.xlarge", 4, 32, 0.252),
)
_CSV_NODE_COUNTS: Final = (1, 2, 3, 4, 6, 8)


def grid_csv() -> str:
    """Return a file of three made-up workloads on 18 clusters, two of them of one program.

    Runtimes follow cores, with a cliff where memory is short; `join` fails on the least memory.
    """
    return "\n".join([
        _CSV_HEADER,
        *_csv_lines("sort,sort", work_s=4000, needed_gib=20),
        *_csv_lines("sort_big,sort", work_s=8000, needed_gib=40),
        *_csv_lines("join,join", work_s=3000, needed_gib=60, fails_below_gib=16),
        "",
    ])


def _csv_lines(
    name: str, *, work_s: float, needed_gib: float, fails_below_gib: float = 0.0
) -> list[str]:
    lines = []
    for node, cores, gib, usd in _CSV_TYPES:
        for count in _CSV_NODE_COUNTS:
            runtime_s = 30 + work_s / (count * cores) + 2 * count * cores
            runtime_s *= 1.0 if count * gib >= needed_gib else 2.5
            ending = f"{runtime_s:.3f},,succeeded"
            if count * gib < fails_below_gib:
                ending = ",,failed"
            size = f"{node},{count},{count * cores},{count * gib},{usd}"
            lines.append(f"{name},{size},{ending},1000000,{needed_gib}")
    return lines
