"""The other workloads of an experiment in; the histories a policy may learn from first, out."""

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np

from isocost.domain.cluster import NodeType
from isocost.domain.grid import GridCell, GridRun, GridWorkload
from isocost.jobbank.measured.plan import Prior
from isocost.model.history import Ending, Observation, Transfer

# As many runs of the program at another size as a few weeks of a daily job leave behind; the same
# number as in the measurements we compare with.
SAME_PROGRAM_RUNS: Final = 10


def transfer_for(
    workload: GridWorkload, others: Sequence[GridWorkload], *, prior: Prior, seed: int
) -> Transfer:
    """Return what `prior` lets a project of `workload` know; the workload itself is left out.

    Same program: ten clusters of each other workload of that program, drawn anew for each seed.
    Other programs: every cluster of every workload of another program.
    """
    strangers = [other for other in others if other.name != workload.name]
    match prior:
        case Prior.NONE:
            return Transfer()
        case Prior.OTHER_PROGRAMS:
            chosen = [w for w in strangers if w.program != workload.program]
            return Transfer(
                other_programs=tuple(_history(w, w.cells) for w in chosen),
                node_types=node_types_of(chosen),
            )
        case Prior.SAME_PROGRAM:
            chosen = [w for w in strangers if w.program == workload.program]
            return Transfer(
                same_program=tuple(_history(w, _drawn(w, seed)) for w in chosen),
                node_types=node_types_of(chosen),
            )


def node_types_of(workloads: Sequence[GridWorkload]) -> tuple[NodeType, ...]:
    """Return every node type once; where grids disagree on a price, at the first one's."""
    types: dict[str, NodeType] = {}
    for workload in workloads:
        for node_type in workload.node_types:
            types.setdefault(node_type.node_type_id, node_type)
    return tuple(types.values())


def _drawn(workload: GridWorkload, seed: int) -> Sequence[GridCell]:
    cells = workload.succeeding
    chance = np.random.default_rng([seed, crc32(workload.name.encode()), SAME_PROGRAM_RUNS])
    return [cells[int(n)] for n in chance.permutation(len(cells))[:SAME_PROGRAM_RUNS]]


def _history(workload: GridWorkload, cells: Sequence[GridCell]) -> tuple[Observation, ...]:
    """Return one observation a cluster: its median run."""
    return tuple(
        _observation(f"{workload.name}-{n}", cell, cell.runs[0]) for n, cell in enumerate(cells)
    )


def _observation(run_id: str, cell: GridCell, run: GridRun) -> Observation:
    return Observation(
        run_id=run_id,
        spec=cell.spec,
        runtime_s=cell.runtime_s,
        ending=Ending.FAILED if cell.is_failing else Ending.SUCCEEDED,
        input_bytes=run.input_bytes,
        working_set_gib=run.working_set_gib,
    )
