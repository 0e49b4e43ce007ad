"""Recordings in, the bytes of one vault file out, and back: zstd over a line of JSON for each.

The first line names the format. Recordings stand in order of their names and fields in order of
their declaration, so equal vaults are equal bytes.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
import zstandard

from isocost.errors import InvalidInput, IsocostError
from isocost.jobbank.vault.recording import Recording

FORMAT: Final = 1
# The slowest level that still packs the shipped vault within a second.
_LEVEL: Final = 19
# No vault is larger than this: a damaged or foreign file must not fill the memory.
_MOST_BYTES: Final = 512 * 2**20


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """The first line."""

    vault_format: int


def packed(recordings: Iterable[Recording]) -> bytes:
    """Return the file's bytes; of two recordings with one name the later one counts."""
    by_name = {recording.name: recording for recording in recordings}
    lines = [msgspec.json.encode(_Header(FORMAT))]
    lines += [msgspec.json.encode(by_name[name]) for name in sorted(by_name)]
    return zstandard.ZstdCompressor(level=_LEVEL).compress(b"\n".join(lines) + b"\n")


def unpacked(data: bytes, location: str) -> tuple[Recording, ...]:
    """Return the recordings of a file by name.

    Raises:
        InvalidInput: if the bytes are no vault, a damaged one, or one of a newer Isocost.
    """
    try:
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=_MOST_BYTES)
        first, *lines = text.splitlines()
        header = msgspec.json.decode(first, type=_Header)
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError) as error:
        raise _damaged(location, str(error)) from error
    if header.vault_format != FORMAT:
        raise InvalidInput(
            f"{location} has vault format {header.vault_format}; this version of Isocost reads "
            f"{FORMAT}. Use the version that wrote it, or record the applications again."
        )
    return tuple(_recording(line, location) for line in lines)


def _recording(line: bytes, location: str) -> Recording:
    try:
        return msgspec.json.decode(line, type=Recording)
    except (msgspec.MsgspecError, IsocostError) as error:
        raise _damaged(location, str(error)) from error


def _damaged(location: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{location} is no vault of workloads, or a damaged one ({why}). Move it away and record "
        "the applications again with `isocost bank vault record`."
    )
