"""Node type ids in; their families out, and which families are looked at if nobody names any.

A family is what all sizes of a machine share: `m5` of `m5.xlarge`, `Standard_Dds_v5` of
`Standard_D8ds_v5`. Azure's is the id less its core count, which is how Azure itself counts quotas.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

# Series letters, cores (and those left after constraining them), features, accelerator, version.
_AZURE: Final = re.compile(r"(?P<series>(?:Standard|Basic)_[A-Z]+)\d+(?:-\d+)?(?P<rest>.*)", re.I)
# Accelerated families by the first letters that the clouds' own naming schemes give them.
_GPU: Final = re.compile(r"(?:g|p|inf|trn|dl|vt)\d.*|standard_n[a-z]*(?:_.*)?")


@cache
def family_of(node_type_id: str) -> str:
    """Return the family of a node type; its whole id where the id follows no known scheme."""
    azure = _AZURE.fullmatch(node_type_id)
    if azure:
        return azure["series"] + azure["rest"]
    return node_type_id.partition(".")[0]


@cache
def has_accelerator(node_type_id: str) -> bool:
    """Whether a node type has GPUs or other accelerators, by the name of its family."""
    return _GPU.fullmatch(family_of(node_type_id).casefold()) is not None


@dataclass(frozen=True, slots=True)
class Breadth:
    """What is looked at where the limits leave it open; not a limit, but a matter of time.

    Attributes:
        families: empty for all.
    """

    families: frozenset[str] = frozenset()
    min_cores: int = 1
    max_cores: int | None = None


EVERYTHING: Final = Breadth()

# Current and previous generations of general, compute, memory and storage machines, with and
# without local disks. Left out: older ones, which cost more for the same work; those for much
# network or high clocks, which cost more for what Spark seldom lacks; on Azure those without `s`,
# which differ in no way that Spark notices. ARM types come in where the present one is ARM.
_AWS: Final = (
    "c5 c5a c5d c6i c6id c7a c7i m5 m5a m5d m6i m6id m7a m7i m8i r5 r5a r5d r6i r6id r7i r8i "
    "i3 i3en i4i i7i "
    "c6g c6gd c7g c7gd c8g c8gd m6g m6gd m7g m7gd m8g m8gd r6g r6gd r7g r7gd r8g r8gd i4g i8g"
)
_AZURE_NAMES: Final = (
    "Fs_v2 Ls_v2 Ls_v3 Ds_v4 Dds_v4 Das_v4 Es_v4 Eds_v4 Eas_v4 Ds_v5 Dds_v5 Das_v5 Dads_v5 "
    "Es_v5 Eds_v5 Eas_v5 Eads_v5 Dds_v6 Eds_v6"
)
# Below 4 cores the platform's own processes take much of a node; above 64 one lost node is a
# large part of a cluster, and nothing is gained over several smaller ones.
DEFAULT_BREADTH: Final = Breadth(
    families=frozenset(_AWS.split()) | {f"Standard_{name}" for name in _AZURE_NAMES.split()},
    min_cores=4,
    max_cores=64,
)
