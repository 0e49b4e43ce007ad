"""What stages and block updates say of cached RDDs in, the cached RDDs out."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from sys import intern
from typing import Final

import msgspec

from isocost.domain.profile import CachedRdd
from isocost.eventlog.folds import RddFold

_RDD_BLOCK: Final = re.compile(r"rdd_(\d{1,18})_\d+$")


class _Scope(msgspec.Struct):
    """`RDDOperationScope`."""

    name: str = ""


_decode_scope: Final = msgspec.json.Decoder(_Scope).decode


def cached_rdds(
    folds: Iterable[RddFold], block_bytes: Mapping[str, tuple[int, int]]
) -> tuple[CachedRdd, ...]:
    """Return every RDD that was cached, by ID; sizes are the largest known."""
    of_blocks: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for block_id, (memory_bytes, disk_bytes) in block_bytes.items():
        if match := _RDD_BLOCK.match(block_id):
            memory, disk = of_blocks[int(match.group(1))]
            of_blocks[int(match.group(1))] = (memory + memory_bytes, disk + disk_bytes)
    return tuple(
        _cached_rdd(fold, of_blocks.get(fold.rdd_id, (0, 0)))
        for fold in sorted(folds, key=lambda f: f.rdd_id)
        if fold.partition_count
    )


def scope_name(scope: str) -> str:
    """Return the operation that a scope, which is JSON of its own, names.

    There are few operations and a scope for each RDD, so equal names share their memory.
    """
    try:
        return intern(_decode_scope(scope).name) if scope else ""
    except msgspec.MsgspecError:
        return ""


def _cached_rdd(fold: RddFold, of_blocks: tuple[int, int]) -> CachedRdd:
    memory_bytes = max(fold.memory_bytes, of_blocks[0])
    disk_bytes = max(fold.disk_bytes, of_blocks[1])
    is_size_known = bool(memory_bytes or disk_bytes)
    return CachedRdd(
        rdd_id=fold.rdd_id,
        scope=scope_name(fold.scope),
        partition_count=fold.partition_count,
        cached_partition_count=fold.cached_partition_count,
        memory_bytes=memory_bytes if is_size_known else None,
        disk_bytes=disk_bytes if is_size_known else None,
        is_unpersisted=fold.is_unpersisted,
        stage_ids=tuple(dict.fromkeys(fold.stage_ids)),
    )
