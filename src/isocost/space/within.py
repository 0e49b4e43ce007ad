"""Node types and a project's limits in; the candidates within all of them, and rejections, out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, log
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of
from isocost.domain.limits import Field, Limits
from isocost.domain.recommendation import Rejection
from isocost.space.candidates import CandidateSpace
from isocost.space.families import EVERYTHING, Breadth, family_of
from isocost.space.limits import SIZE_LIMITS, TYPE_LIMITS, Bounds, first_rejection, unpriced

# Each count up to here; beyond it each a quarter above the one before, since an eighth to either
# side of the best count is within the noise of runs.
EVERY_COUNT_UP_TO: Final = 8
_COUNT_STEP: Final = 1.25


def candidate_space_within(
    node_types: Sequence[NodeType],
    limits: Limits,
    present: ClusterSpec,
    *,
    driver: NodeType | None = None,
    rentable: frozenset[str] | None = None,
    breadth: Breadth = EVERYTHING,
) -> CandidateSpace:
    """Return every cluster that limits allow, the present one first, and what they forbid.

    Rejections are summarised: one for a node type of which nothing is left, else the nearest one
    of each limit on the size of its clusters. The first of each limit come before the second of
    any, so that whoever reads only some of them meets every reason.

    Args:
        node_types: of the catalog; the present one must be among them. What the workspace can
            rent beside them has no price.
        limits: of the project.
        present: the spec in force, a candidate whatever the limits say.
        driver: its node type, where it is not of the workers' node type.
        rentable: node types that the workspace can rent; None where nobody said.
        breadth: what is looked at where the limits leave it open.

    Raises:
        InvalidInput: if the present node type is not among `node_types`.
    """
    bounds = Bounds(
        limits,
        present,
        node_type_of(present, node_types),
        driver,
        rentable,
        frozenset(name.casefold() for name in limits.families),
        _with_family(breadth, present),
    )
    candidates, rejections = [present], []
    counts = _worker_counts(limits, present.worker_count)
    for node_type in node_types:
        fitting, rejected = _of_type(node_type, counts, bounds)
        candidates += fitting
        rejections += rejected
    unknown = (rentable or frozenset()) - {t.node_type_id for t in node_types}
    rejections += [unpriced(ClusterSpec(name, present.worker_count)) for name in sorted(unknown)]
    return CandidateSpace(tuple(candidates), tuple(_every_reason_first(rejections)))


def _with_family(breadth: Breadth, present: ClusterSpec) -> Breadth:
    if not breadth.families:
        return breadth
    return replace(breadth, families=breadth.families | {family_of(present.node_type_id)})


def _of_type(
    node_type: NodeType, counts: Sequence[int], bounds: Bounds
) -> tuple[list[ClusterSpec], list[Rejection]]:
    """Return the candidates of a node type beside the present spec, and the rejections to tell."""
    name, present = node_type.node_type_id, bounds.present
    whole = ClusterSpec(name, present.worker_count)
    if rejection := first_rejection(TYPE_LIMITS, whole, node_type=node_type, bounds=bounds):
        return [], [] if whole == present else [rejection]
    if name == present.node_type_id:
        counts = _with_next(counts)
    fitting: list[ClusterSpec] = []
    rejected: dict[str, Rejection] = {}
    for count in counts:
        spec = ClusterSpec(name, count)
        if spec == present:
            continue
        found = first_rejection(SIZE_LIMITS, spec, node_type=node_type, bounds=bounds)
        if found is None:
            fitting.append(spec)
        else:
            rejected[found.limit] = _nearer(found, rejected.get(found.limit))
    nearest = sorted(rejected.values(), key=_excess)
    return fitting, nearest if fitting or name == present.node_type_id else nearest[:1]


def _worker_counts(limits: Limits, present_count: int) -> Sequence[int]:
    """Return the counts that are looked at for every node type."""
    if Field.WORKER_COUNT in limits.pinned:
        return (present_count,)
    counts = {limits.min_workers, limits.max_workers, present_count}
    count = 1
    while count <= limits.max_workers:
        counts.add(count)
        count = count + 1 if count < EVERY_COUNT_UP_TO else ceil(count * _COUNT_STEP)
    return sorted(c for c in counts if limits.min_workers <= c <= limits.max_workers)


def _with_next(counts: Sequence[int]) -> Sequence[int]:
    """Return the counts and the next beyond either end, which says that a limit ends them."""
    return sorted({max(1, counts[0] - 1), *counts, counts[-1] + 1})


def _nearer(found: Rejection, before: Rejection | None) -> Rejection:
    return found if before is None else min(before, found, key=_excess)


def _excess(rejection: Rejection) -> float:
    """Return how far a size is beyond what is allowed, as a factor's logarithm."""
    return abs(log(rejection.actual / rejection.allowed))


def _every_reason_first(rejections: Iterable[Rejection]) -> list[Rejection]:
    """Return the first rejection of each limit, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    ranked = []
    for rejection in rejections:
        ranked.append((seen[rejection.limit], rejection))
        seen[rejection.limit] += 1
    return [rejection for _, rejection in sorted(ranked, key=lambda pair: pair[0])]
