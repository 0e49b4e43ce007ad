"""Node types of the local platform: worker processes on this machine, priced as a cloud would.

The rates are AWS Fargate's for Linux on x86 in us-east-1 (aws.amazon.com/fargate/pricing): it is
the public price list that sells one core and one GiB by the hour, apart from each other, which is
what a `local-cluster` worker is. Absolute costs are therefore those of a small container; what the
choice between clusters depends on is only the ratio, about 9.1 GiB-hours to a core-hour.
"""

from typing import Final

from isocost.domain.cluster import NodeType

USD_PER_CORE_HOUR: Final = 0.04048
USD_PER_GIB_HOUR: Final = 0.004445


def local_node_type(cores: int, memory_gib: float) -> NodeType:
    """Return a worker of this size at the list rate."""
    rate = cores * USD_PER_CORE_HOUR + memory_gib * USD_PER_GIB_HOUR
    return NodeType(f"local-{cores}c-{memory_gib:g}g", cores, memory_gib, rate)


LOCAL_NODE_TYPES: Final = tuple(
    local_node_type(cores, gib) for cores in (1, 2) for gib in (1.0, 2.0)
)
