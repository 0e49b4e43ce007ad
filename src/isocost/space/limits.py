"""One cluster and what a project allows in; the rejection that a limit makes, or None, out.

Each limit is one function. Some look at the node type alone, others at the size of the cluster
too. The present spec passes whatever the limits say: a project can always stay as it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.limits import Field, Limits
from isocost.domain.recommendation import Rejection
from isocost.space.families import EVERYTHING, Breadth, family_of, has_accelerator


@dataclass(frozen=True, slots=True)
class Bounds:
    """What candidates of one cluster are held against.

    Attributes:
        present: the spec in force.
        present_type: its node type.
        driver: its node type, where it is not of the workers' node type.
        rentable: node types of the workspace; None where nobody said.
        families: that limits name, in lower case.
        breadth: what is looked at where the limits leave it open.
    """

    limits: Limits
    present: ClusterSpec
    present_type: NodeType
    driver: NodeType | None = None
    rentable: frozenset[str] | None = None
    families: frozenset[str] = frozenset()
    breadth: Breadth = EVERYTHING

    def is_named(self, node_type_id: str) -> bool:
        """Whether the limits name the family of a node type."""
        return family_of(node_type_id).casefold() in self.families


_PRICES: Final = 2  # rent and DBUs

Limit = Callable[[ClusterSpec, NodeType, Bounds], Rejection | None]


def price_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject a node type whose rent or DBUs nobody knows: it would look free."""
    del bounds
    known = (node_type.usd_per_hour > 0) + (node_type.dbu_per_hour > 0)
    return None if known == _PRICES else unpriced(spec, known)


def unpriced(spec: ClusterSpec, known: int = 0) -> Rejection:
    """Return the rejection of a node type of which not all prices are known."""
    return Rejection(spec, "the price of its machine or DBUs is unknown", known, _PRICES, "prices")


def accelerator_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject GPU node types, which Spark's own operators leave idle, unless named."""
    name = node_type.node_type_id
    if not has_accelerator(name) or bounds.is_named(name):
        return None
    return Rejection(spec, "it has accelerators that would be idle", 1, 0, "kinds of them")


def rent_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject a node type that the workspace cannot rent; it has rented the present one."""
    name = node_type.node_type_id
    if bounds.rentable is None or name in bounds.rentable or name == bounds.present.node_type_id:
        return None
    among = len(bounds.rentable)
    return Rejection(spec, "the workspace cannot rent it", 0, among, "of its node types")


def pinned_type_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject other node types than the present one where it is pinned."""
    is_pinned = Field.NODE_TYPE in bounds.limits.pinned
    if not is_pinned or node_type.node_type_id == bounds.present.node_type_id:
        return None
    limit = f"the node type is pinned to {bounds.present.node_type_id}"
    return Rejection(spec, limit, node_type.cores, bounds.present_type.cores, "cores a node")


def family_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject node types of families that are not among the allowed ones."""
    if not bounds.families or bounds.is_named(node_type.node_type_id):
        return None
    limit = f"its family is not among {', '.join(bounds.limits.families)}"
    return Rejection(spec, limit, 0, len(bounds.families), "allowed families")


def architecture_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject another processor architecture: images and native libraries may not run on it.

    Naming its family allows it, unless the driver stays on another one: all nodes of a cluster
    have the same.
    """
    driver = bounds.driver
    if driver is not None and driver.architecture != node_type.architecture:
        limit = f"it is {node_type.architecture}, its driver {driver.architecture}"
        return Rejection(spec, limit, 2, 1, "architectures")
    present = bounds.present_type.architecture
    if node_type.architecture == present or bounds.is_named(node_type.node_type_id):
        return None
    limit = f"it is {node_type.architecture}, not {present}; name its family to allow it"
    return Rejection(spec, limit, 2, 1, "architectures")


def least_cores_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject nodes with fewer cores than allowed."""
    least = bounds.limits.min_cores
    if least is None or node_type.cores >= least:
        return None
    return Rejection(spec, "its nodes are too small", node_type.cores, least, "cores a node")


def most_cores_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject nodes with more cores than allowed."""
    most = bounds.limits.max_cores
    if most is None or node_type.cores <= most:
        return None
    return Rejection(spec, "its nodes are too large", node_type.cores, most, "cores a node")


def breadth_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Leave out what is unlikely to win, where the limits say nothing of it.

    The families of the present node type and those named are always looked at.
    """
    name, breadth = node_type.node_type_id, bounds.breadth
    if name == bounds.present.node_type_id:
        return None
    is_named = bool(bounds.families) or not breadth.families
    if not is_named and family_of(name) not in breadth.families:
        limit = "its family is not looked at unless limits name it"
        return Rejection(spec, limit, 0, len(breadth.families), "families looked at")
    least = bounds.limits.min_cores or min(breadth.min_cores, bounds.limits.max_cores or inf)
    most = bounds.limits.max_cores or max(breadth.max_cores or inf, least)
    if least <= node_type.cores <= most:
        return None
    nearest = least if node_type.cores < least else most
    limit = "its size is not looked at unless limits say how many cores a node may have"
    return Rejection(spec, limit, node_type.cores, nearest, "cores a node")


def pinned_count_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject other worker counts than the present one where it is pinned."""
    del node_type
    present = bounds.present.worker_count
    if Field.WORKER_COUNT not in bounds.limits.pinned or spec.worker_count == present:
        return None
    return Rejection(spec, "the worker count is pinned", spec.worker_count, present, "workers")


def fewest_workers_limit(
    spec: ClusterSpec, node_type: NodeType, bounds: Bounds
) -> Rejection | None:
    """Reject clusters with fewer workers than allowed."""
    del node_type
    fewest = bounds.limits.min_workers
    if spec.worker_count >= fewest:
        return None
    return Rejection(spec, "it has too few workers", spec.worker_count, fewest, "workers")


def most_workers_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject clusters with more workers than allowed."""
    del node_type
    most = bounds.limits.max_workers
    if spec.worker_count <= most:
        return None
    return Rejection(spec, "it has too many workers", spec.worker_count, most, "workers")


def step_limit(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Reject clusters that are further from the present one than the largest step."""
    factor = bounds.limits.largest_step
    if factor is None:
        return None
    cores = spec.worker_count * node_type.cores
    present = bounds.present.worker_count * bounds.present_type.cores
    if cores > present * factor:
        return Rejection(spec, "the largest step up is less", cores, present * factor, "cores")
    if cores * factor < present:
        return Rejection(spec, "the largest step down is less", cores, present / factor, "cores")
    return None


# What the user said comes before what follows from the workspace: it is the reason to be told.
TYPE_LIMITS: Final[tuple[Limit, ...]] = (
    pinned_type_limit,
    family_limit,
    least_cores_limit,
    most_cores_limit,
    rent_limit,
    accelerator_limit,
    price_limit,
    architecture_limit,
    breadth_limit,
)
SIZE_LIMITS: Final[tuple[Limit, ...]] = (
    pinned_count_limit,
    fewest_workers_limit,
    most_workers_limit,
    step_limit,
)


def rejection_of(spec: ClusterSpec, node_type: NodeType, bounds: Bounds) -> Rejection | None:
    """Return the first rejection that any limit makes; the present spec has none."""
    if spec == bounds.present:
        return None
    return first_rejection(TYPE_LIMITS + SIZE_LIMITS, spec, node_type=node_type, bounds=bounds)


def first_rejection(
    limits: Iterable[Limit], spec: ClusterSpec, *, node_type: NodeType, bounds: Bounds
) -> Rejection | None:
    """Return what the first of some limits says that rejects the cluster."""
    for limit in limits:
        if rejection := limit(spec, node_type, bounds):
            return rejection
    return None
