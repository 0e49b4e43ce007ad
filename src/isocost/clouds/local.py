"""Paths of this machine's file system and `file://` URLs in, stored files and bytes out."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from isocost.clouds.base import PIECE_BYTES, StoredFile, checked_file_count
from isocost.errors import InvalidInput, NotFound, PlatformError

_SCHEME: Final = "file:"
_VOLUMES: Final = "/Volumes/"


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Files of this machine; follows symbolic links, but none to a folder inside a folder."""

    def handles(self, location: str) -> bool:
        """Whether the location is a path: it has no scheme but `file`.

        A path below /Volumes is a Databricks volume unless this machine has it too.
        """
        if location.startswith(_VOLUMES):
            return Path(location).exists()
        return location.startswith(_SCHEME) or ":/" not in location

    def find(self, location: str) -> tuple[StoredFile, ...]:
        """Return the file, or all regular files below the folder; see `LogStore.find`."""
        root = _path(location)
        try:
            if root.is_dir():
                return _below(root)
            if root.is_file():
                return (_stored(root, root.name),)
        except OSError as error:
            raise _denied(root, error) from error
        if root.exists():
            raise InvalidInput(f"{root} is neither a file nor a folder. Name one of those.")
        raise NotFound(_absent(root))

    def look_into(self, folder: str) -> None:
        """Try whether a folder may be listed; see `LogStore.look_into`."""
        path = _path(folder)
        try:
            os.listdir(path)
        except FileNotFoundError as error:
            raise NotFound(_absent(path)) from error
        except OSError as error:
            raise _denied(path, error) from error

    def read_range(self, file: StoredFile, start: int, count: int) -> bytes:
        """Return a range of the file; see `LogStore.read_range`."""
        try:
            with Path(file.location).open("rb") as stream:
                stream.seek(start)
                return stream.read(count)
        except FileNotFoundError as error:
            raise NotFound(_absent(Path(file.location))) from error
        except OSError as error:
            raise _denied(Path(file.location), error) from error

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the file's bytes up to its present end; see `LogStore.chunks`."""
        try:
            with Path(file.location).open("rb", buffering=0) as stream:
                while piece := stream.read(PIECE_BYTES):
                    yield piece
        except FileNotFoundError as error:
            raise NotFound(_absent(Path(file.location))) from error
        except OSError as error:
            raise _denied(Path(file.location), error) from error


def _path(location: str) -> Path:
    if not location.strip() or "\0" in location:
        raise InvalidInput(f"{location!r} is no path. Name a file or a folder.")
    if location.startswith(_SCHEME):
        url = urlsplit(location)
        if url.netloc not in {"", "localhost"}:
            raise InvalidInput(
                f"{location} names the host {url.netloc!r}; a file URL has none. "
                f"Write file:///{url.netloc}{url.path} for a path of this machine."
            )
        return Path(unquote(url.path))
    return Path(location).expanduser()


def _below(root: Path) -> tuple[StoredFile, ...]:
    os.listdir(root)  # os.walk would pass over a root that it may not read
    found: list[StoredFile] = []

    def keep_closed(error: OSError) -> None:
        # A folder that may not be read is kept as if it were a file: reading it fails with the
        # reason, for it alone, instead of hiding the logs that may lie in it.
        closed = Path(str(error.filename))
        found.append(StoredFile(str(closed), closed.relative_to(root).as_posix(), 0))

    for folder, _, names in os.walk(root, onerror=keep_closed):
        paths = (Path(folder, name) for name in names)
        found += [
            _stored(path, path.relative_to(root).as_posix()) for path in paths if path.is_file()
        ]
        checked_file_count(str(root), len(found))
    return tuple(sorted(found, key=lambda file: file.path))


def _stored(path: Path, relative: str) -> StoredFile:
    status = path.stat()
    modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return StoredFile(str(path), relative, status.st_size, modified_at)


def _absent(path: Path) -> str:
    parent = next((above for above in path.absolute().parents if above.exists()), None)
    nearest = f" The nearest folder that exists is {parent}." if parent else ""
    return (
        f"{path} does not exist; expected an event log, a folder of logs or an archive.{nearest} "
        "Check the spelling; on Databricks, name the cluster's log destination."
    )


def _denied(path: Path, error: OSError) -> PlatformError:
    return PlatformError(
        f"{error.filename or path} cannot be read: {error.strerror or error}. "
        "Check its permissions, or copy it to where you may read it."
    )
