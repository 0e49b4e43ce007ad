"""What archives of both kinds share: a member's place, and the bounds on what one may claim.

Nothing is unpacked to disk. A member is found by walking the archive once and is opened again
later by its offset. Archives come from strangers, so what one may cost is bounded in advance.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isocost.errors import InvalidInput
from isocost.units import BYTES_PER_GIB, BYTES_PER_MIB

# A year of hourly Databricks parts is 8,760; more entries than this are a disk image.
MAX_ENTRIES: Final = 10_000
# Six minutes of reading on one core; the largest event logs known are some tens of GiB.
MAX_TOTAL_BYTES: Final = 256 * BYTES_PER_GIB
# Real event logs shrink 5 to 30 times by deflate; a bomb of zeros shrinks 1,000 times.
MAX_RATIO: Final = 250
# Below this much no ratio can do harm, and tiny files do shrink oddly.
RATIO_FLOOR_BYTES: Final = 64 * BYTES_PER_MIB


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive.

    Attributes:
        name: its path in the archive, with `/` between folders.
        offset_bytes: where it starts: its header in a zip, its data in a tar's plain bytes.
        size_bytes: what it takes outside the archive.
    """

    name: str
    offset_bytes: int
    size_bytes: int
    modified_at: datetime | None = None


class Budget:
    """Counts what an archive claims, and refuses more than a log may have.

    Attributes:
        stored_bytes: the archive's own size.
    """

    def __init__(self, archive: str, stored_bytes: int) -> None:
        self._archive = archive
        self._stored_bytes = stored_bytes
        self._entry_count = 0
        self._total_bytes = 0

    def spend(self, size_bytes: int) -> None:
        """Account for one more entry.

        Raises:
            InvalidInput: if entries, total size or ratio go beyond their limit.
        """
        self._entry_count += 1
        self._total_bytes += size_bytes
        if self._entry_count > MAX_ENTRIES:
            raise self._refusal(f"more than {MAX_ENTRIES:,} entries")
        total_gib = self._total_bytes / BYTES_PER_GIB
        if self._total_bytes > MAX_TOTAL_BYTES:
            limit_gib = MAX_TOTAL_BYTES // BYTES_PER_GIB
            raise self._refusal(
                f"{total_gib:,.0f} GiB once unpacked; the limit is {limit_gib} GiB"
            )
        if self._total_bytes > max(RATIO_FLOOR_BYTES, MAX_RATIO * self._stored_bytes):
            ratio = self._total_bytes / max(1, self._stored_bytes)
            raise self._refusal(
                f"{total_gib:,.1f} GiB in {self._stored_bytes:,} bytes, {ratio:,.0f} times as "
                f"much; event logs shrink 5 to 30 times, and {MAX_RATIO} is the limit"
            )

    def _refusal(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"{self._archive} claims to hold {what}. If you trust it, unpack it and pass the "
            "folder."
        )
