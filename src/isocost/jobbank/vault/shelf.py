"""The vaults at hand: the one that ships with the package, and the user's own file."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from filelock import FileLock

from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.vault.archive import packed, unpacked
from isocost.jobbank.vault.recording import Recording

FILE_NAME: Final = "workloads.jsonl.zst"
_NAMES_SHOWN: Final = 10


@cache
def shipped() -> tuple[Recording, ...]:
    """Return what came with this version, by name; the first call reads it."""
    found = files("isocost.jobbank.vault").joinpath("data", FILE_NAME)
    return unpacked(found.read_bytes(), "The vault of this package") if found.is_file() else ()


def own(path: Path) -> tuple[Recording, ...]:
    """Return what the user recorded into a file, by name; nothing if there is none.

    Raises:
        InvalidInput: if the file cannot be read, or is no vault.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InvalidInput(
            f"The vault {path} cannot be read: {error.strerror}. Make it readable, or point "
            "--vault to another file."
        ) from error
    return tuple(replace(each, is_own=True) for each in unpacked(data, str(path)))


def all_recordings(path: Path) -> tuple[Recording, ...]:
    """Return the shipped recordings and the user's by name; of one name the user's counts."""
    by_name = {each.name: each for each in (*shipped(), *own(path))}
    return tuple(by_name[name] for name in sorted(by_name))


def put(path: Path, recordings: Iterable[Recording]) -> None:
    """Add recordings to a vault, in place of those with their names; two may call this at once.

    Raises:
        InvalidInput: if the file is no vault, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            kept = (*own(path), *recordings)
            unfinished = path.with_name(f"{path.name}.unfinished")
            unfinished.write_bytes(packed(replace(each, is_own=False) for each in kept))
            unfinished.replace(path)
    except OSError as error:
        raise InvalidInput(
            f"The vault {path} cannot be written: {error.strerror}. Free space or make the folder "
            "writable, or point --vault to another file."
        ) from error


def find(name: str, recordings: Sequence[Recording]) -> Recording:
    """Return the recording of this name.

    Raises:
        UnknownName: if there is none; names what is near.
    """
    for recording in recordings:
        if recording.name == name:
            return recording
    known = [recording.name for recording in recordings]
    close = get_close_matches(name, known, n=3)
    more = f" and {len(known) - _NAMES_SHOWN} more" if len(known) > _NAMES_SHOWN else ""
    some = f"Known: {', '.join(known[:_NAMES_SHOWN]) or 'none'}{more}."
    hint = f"Did you mean {' or '.join(close)}?" if close else some
    raise UnknownName(
        f"No workload of the vault is called {name!r}. {hint} See `isocost bank vault list`."
    )
