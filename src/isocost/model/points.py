"""Cluster specs and node types in, the arrays that the model computes with out.

A node type enters by what it is (cores, memory, CoreMark, network), never by its name, so one that
no run has seen is predicted like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of
from isocost.errors import InvalidInput

Floats = npt.NDArray[np.float64]

# What the operating system, the agents and Spark's own overhead leave of a node: 2 GiB less, of
# very small nodes half a GiB at least. YARN's and Databricks' defaults take 1 to 3 GiB.
RESERVED_GIB: Final = 2.0
LEAST_USABLE_GIB: Final = 0.5
# CoreMark of one hardware thread of an m4 or m5 instance, the middle of the types measured.
REFERENCE_COREMARK: Final = 14_000.0


@dataclass(frozen=True, slots=True)
class Points:
    """Clusters, at some input size each; every array has the shape (points,).

    Attributes:
        cores: over all nodes.
        nodes: workers.
        node_memory_gib: of one node.
        usable_gib: over all nodes, less what the system takes.
        speed: of one core, relative to the reference; 1.0 where nobody measured it.
        network_gbps: of one node; 0.0 where it is not known.
        log_input: logarithm of the input size over that of the newest run; 0.0 where unknown.
        epoch: 0.0 for runs that are like the next, 1.0 and up for those before a change.
        inputs: (points, axes), along the axes of `inputs`; no axes where nothing varies.
    """

    cores: Floats
    nodes: Floats
    node_memory_gib: Floats
    usable_gib: Floats
    speed: Floats
    network_gbps: Floats
    log_input: Floats
    epoch: Floats
    inputs: Floats

    def __len__(self) -> int:
        return len(self.cores)

    def take(self, places: npt.NDArray[np.intp]) -> "Points":
        """Return the points at some places, in their order."""
        return Points(
            self.cores[places],
            self.nodes[places],
            self.node_memory_gib[places],
            self.usable_gib[places],
            self.speed[places],
            self.network_gbps[places],
            self.log_input[places],
            self.epoch[places],
            self.inputs[places],
        )


def points_of(
    specs: Sequence[ClusterSpec],
    node_types: Sequence[NodeType],
    log_input: Sequence[float] | None = None,
    *,
    epoch: Sequence[float] | None = None,
    inputs: Floats | None = None,
) -> Points:
    """Return specs as arrays.

    Args:
        specs: one a point.
        node_types: that the specs name.
        log_input: of each point; all as the newest run if not given.
        epoch: of each point; all the newest if not given.
        inputs: (points, axes); no axes if not given.

    Raises:
        InvalidInput: if a spec names a node type that is not among these.
    """
    places = {node_type.node_type_id: place for place, node_type in enumerate(node_types)}
    for spec in specs:
        if spec.node_type_id not in places:
            node_type_of(spec, node_types)  # says what there is instead
    which = np.fromiter((places[spec.node_type_id] for spec in specs), np.intp, len(specs))
    nodes = np.fromiter((spec.worker_count for spec in specs), np.float64, len(specs))
    node_memory_gib = np.array([t.memory_gib for t in node_types])[which]
    usable_gib = np.maximum(node_memory_gib - RESERVED_GIB, LEAST_USABLE_GIB)
    return Points(
        cores=nodes * np.array([float(t.cores) for t in node_types])[which],
        nodes=nodes,
        node_memory_gib=node_memory_gib,
        usable_gib=nodes * usable_gib,
        speed=np.array([_speed(t) for t in node_types])[which],
        network_gbps=np.array([t.network_gbps or 0.0 for t in node_types])[which],
        log_input=np.zeros(len(specs)) if log_input is None else np.asarray(log_input, float),
        epoch=np.zeros(len(specs)) if epoch is None else np.asarray(epoch, float),
        inputs=np.zeros((len(specs), 0)) if inputs is None else inputs,
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """The middle and the reach of a candidate space, so that priors suit spaces of any size.

    Attributes:
        cores, nodes: geometric means of the space's ends.
        least_gib, most_gib: usable memory of its smallest and largest cluster.
    """

    cores: float
    nodes: float
    least_gib: float
    most_gib: float


def scale_of(points: Points) -> Scale:
    """Return the scale of a space; raises InvalidInput if it is empty."""
    if not len(points):
        raise InvalidInput("No candidate is left, so there is nothing to choose from.")
    return Scale(
        cores=_geometric_middle(points.cores),
        nodes=_geometric_middle(points.nodes),
        least_gib=float(points.usable_gib.min()),
        most_gib=float(points.usable_gib.max()),
    )


def _geometric_middle(values: Floats) -> float:
    return float(np.sqrt(values.min() * values.max()))


def _speed(node_type: NodeType) -> float:
    if node_type.coremark is None:
        return 1.0
    return node_type.coremark / node_type.cores / REFERENCE_COREMARK
