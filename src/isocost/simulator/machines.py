"""A node type in, what its spark tasks can count on out: speed, memory, disk and network."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import AttachedDisks
from isocost.units import BYTES_PER_MIB, MIB_PER_GIB

# A thread of a busy m5.2xlarge: 115,791 CoreMark iterations a second over 8 threads (catalog).
REFERENCE_COREMARK: Final = 14_474.0
# Two threads of a core do up to 30 % more than one alone (Marr et al., "Hyper-Threading Technology
# Architecture and Microarchitecture", Intel Technology Journal 6(1), 2002).
SMT_GAIN: Final = 0.30
# Arm machines, and AMD's from the 7th generation on, sell whole cores (aws.amazon.com/ec2, pages
# of instance types; "Arm" sizes of Azure carry a `p`).
_WHOLE_CORES: Final = re.compile(r"^(a1|t4g|\w\d+g\w*|[cmr]7a)\.|^Standard_\w+?\d+p\w*_")

# Databricks gives executors (0.97 × node − 4800 MiB) × 0.8 of memory: a measured event log of an
# r5.8xlarge (256 GiB) with four executors states 49,896 MiB for each.
_USABLE_FRACTION: Final = 0.97
_DAEMONS_MIB: Final = 4_800.0
_HEAP_FRACTION: Final = 0.8
_LEAST_HEAP_FRACTION: Final = 0.3  # of a node too small for that formula
# Spark keeps 300 MiB to itself; 0.6 of the rest is shared by execution and storage
# (spark.memory.fraction, Spark 3.5 tuning guide).
_RESERVED_MIB: Final = 300.0
_UNIFIED_FRACTION: Final = 0.6

# Local SSDs write about this much a second per GiB: an i3.large's 442 GiB take 35,000 writes of
# 4 KiB (137 MiB/s) and give 100,000 reads (391 MiB/s); half writes, half reads make 0.5.
_LOCAL_MIB_PER_S_PER_GIB: Final = 0.5
# Shuffle files are read and written in blocks of this size at best (spark.shuffle.file.buffer is
# 32 KiB, but disks merge neighbours; AWS counts up to 256 KiB as one operation).
_BLOCK_MIB: Final = 0.25
_ROOT_DISK_MIB_PER_S: Final = 64.0
# Baseline of m5, c5 and r5: 0.75 Gbit/s for 2 cores, 2.5 for 8 (catalog's measured baselines).
_GBPS_PER_CORE: Final = 0.3
_BYTES_PER_GBIT: Final = 125_000_000.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What one node offers.

    Attributes:
        full_speed: of one thread when all are busy, against the reference machine's.
        threads_per_core: 2 where the cloud sells hyperthreads.
        heap_bytes: memory of all its executors.
        unified_bytes: the part of the heap for execution and storage.
        page_cache_bytes: memory that the operating system can keep files in.
    """

    cores: int
    threads_per_core: int
    full_speed: float
    heap_bytes: float
    unified_bytes: float
    page_cache_bytes: float
    disk_bytes_per_s: float
    network_bytes_per_s: float

    def speed(self, busy_count: int) -> float:
        """Return the speed of each thread while so many are busy; more never speed it up."""
        if self.threads_per_core == 1:
            return self.full_speed
        # A virtual machine's kernel does not know which threads share a core: any other busy
        # thread is as likely as not the neighbour.
        others = min(max(busy_count, 1), self.cores) - 1
        crowding = others / (self.cores - 1)
        slowest = self.threads_per_core / (1 + SMT_GAIN)
        return self.full_speed * slowest / (1 + crowding * (slowest - 1))


@lru_cache(maxsize=512)
def machine_from_node_type(node_type: NodeType, disks: AttachedDisks) -> Machine:
    """Return what a node of this type with these disks offers."""
    node_mib = node_type.memory_gib * MIB_PER_GIB
    heap_mib = max(
        (_USABLE_FRACTION * node_mib - _DAEMONS_MIB) * _HEAP_FRACTION,
        _LEAST_HEAP_FRACTION * node_mib,
    )
    unified_mib = max(heap_mib - _RESERVED_MIB, heap_mib / 2) * _UNIFIED_FRACTION
    coremark = node_type.coremark or REFERENCE_COREMARK * node_type.cores
    is_whole = _WHOLE_CORES.match(node_type.node_type_id) is not None
    gbps = node_type.network_gbps or _GBPS_PER_CORE * node_type.cores
    return Machine(
        cores=node_type.cores,
        threads_per_core=1 if is_whole or node_type.cores < 2 else 2,
        full_speed=coremark / node_type.cores / REFERENCE_COREMARK,
        heap_bytes=heap_mib * BYTES_PER_MIB,
        unified_bytes=unified_mib * BYTES_PER_MIB,
        page_cache_bytes=(node_mib - heap_mib) / 2 * BYTES_PER_MIB,
        disk_bytes_per_s=_disk_mib_per_s(node_type, disks) * BYTES_PER_MIB,
        network_bytes_per_s=gbps * _BYTES_PER_GBIT,
    )


def _disk_mib_per_s(node_type: NodeType, disks: AttachedDisks) -> float:
    attached = disks.count * min(disks.mib_per_s, disks.iops * _BLOCK_MIB)
    local = node_type.local_disk_gib * _LOCAL_MIB_PER_S_PER_GIB
    # A node always has a root disk: gp2's 128 MiB/s at most, shared with the system.
    return max(attached + local, _ROOT_DISK_MIB_PER_S)
