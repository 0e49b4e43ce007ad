"""What this machine offers: the cores and the memory that this process may really use."""

import os
import platform
import re
from pathlib import Path

from isocost import cores
from isocost.units import BYTES_PER_GIB

# Control groups, version 2 and version 1, relative to /sys/fs/cgroup.
_V2_MEMORY, _V1_MEMORY = "memory.max", "memory/memory.limit_in_bytes"
_V2_CPU = "cpu.max"
_V1_QUOTA, _V1_PERIOD = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"
_CGROUPS = Path("/sys/fs/cgroup")
_CPU_INFO = Path("/proc/cpuinfo")


def described(cpu_info: Path = _CPU_INFO) -> str:
    """Return this machine in words: processor, cores, memory and system; never its name."""
    try:
        found = re.search(r"^model name\s*: (.+)$", cpu_info.read_text("utf-8"), re.MULTILINE)
    except OSError:
        found = None
    processor = found[1].strip() if found else platform.machine()
    count, gib = usable_cores(), usable_gib()
    return f"{processor}, {count} cores, {gib:.0f} GiB, {platform.system()}"


def usable_cores(cgroups: Path = _CGROUPS) -> int:
    """Return the whole cores that the affinity mask and a container's quota leave; at least 1."""
    allowed = cores.usable_cores()
    quota = core_quota(cgroups)
    return max(1, int(min(allowed, quota)) if quota else allowed)


def core_quota(cgroups: Path) -> float | None:
    """Return the cores that the control group grants, None if it grants all."""
    period = _words(cgroups / _V2_CPU)
    if len(period) == 2:  # "max 100000" or "150000 100000"
        return None if period[0] == "max" else int(period[0]) / int(period[1])
    quota, length = _words(cgroups / _V1_QUOTA), _words(cgroups / _V1_PERIOD)
    if not quota or not length or int(quota[0]) <= 0:
        return None
    return int(quota[0]) / int(length[0])


def usable_gib(cgroups: Path = _CGROUPS) -> float:
    """Return the memory that the machine has or a container's limit leaves, in GiB."""
    physical_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [physical_bytes, *memory_limits_bytes(cgroups)]
    return min(limits) / BYTES_PER_GIB


def memory_limits_bytes(cgroups: Path) -> list[int]:
    """Return the limits that the control groups set; empty where they set none."""
    stated = [*_words(cgroups / _V2_MEMORY), *_words(cgroups / _V1_MEMORY)]
    return [int(word) for word in stated if word.isdigit()]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
