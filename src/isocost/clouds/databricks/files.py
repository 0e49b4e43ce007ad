"""`dbfs:/…` and `/Volumes/…` locations in, stored files and ranges of their bytes out."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from isocost.clouds.base import StoredFile, checked_file_count, chunks_by_range
from isocost.errors import (
    IsocostError,
    MissingDependency,
    NotFound,
    PlatformError,
    Unavailable,
)
from isocost.units import BYTES_PER_MIB, MS_PER_S

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.errors.base import DatabricksError
    from databricks.sdk.service.files import DirectoryEntry, FileInfo

_DBFS: Final = "dbfs:/"
_VOLUMES: Final = "/Volumes/"
# The SDK's own limits are five minutes each, its constructor included; a person is waiting.
_RETRY_TIMEOUT_S: Final = 60
_HTTP_TIMEOUT_S: Final = 60
# The SDK waits out 429 and most of 503 but not 500 and 504: what failed so is asked this often,
# after as many seconds as attempts were made.
_ATTEMPTS: Final = 3
# The DBFS API refuses to read more at once.
_DBFS_READ_BYTES: Final = BYTES_PER_MIB

Result = TypeVar("Result")


@dataclass(slots=True)
class DatabricksFileStore:
    """Files of a Databricks workspace: DBFS over its API, volumes over the Files API.

    Without a client of a certain workspace, host and credentials are found by the SDK:
    DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_CONFIG_PROFILE, `~/.databrickscfg`, Azure and
    Google logins. A store with a client can be pickled if the client has a token.
    """

    client: "WorkspaceClient | None" = field(default=None, repr=False, compare=False)
    _login: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _found: "WorkspaceClient | None" = field(default=None, init=False, repr=False, compare=False)

    def handles(self, location: str) -> bool:
        """Whether the location is one of DBFS or of a volume."""
        return location.startswith((_DBFS, _VOLUMES))

    def find(self, location: str) -> tuple[StoredFile, ...]:
        """Return the file, or all files below the folder; see `LogStore.find`."""
        path = _path(location)
        list_all = self._volume_files if _is_volume(path) else self._dbfs_files
        found = _translated(location, lambda: list_all(path))
        return tuple(sorted(found, key=lambda file: file.path))

    def look_into(self, folder: str) -> None:
        """List the folder itself, of a volume its first page; see `LogStore.look_into`."""
        path = _path(folder).rstrip("/") or "/"
        look = self._first_entry if _is_volume(path) else self._dbfs_entries
        _translated(folder, lambda: look(path))

    def read_range(self, file: StoredFile, start: int, count: int) -> bytes:
        """Return a range of the file; see `LogStore.read_range`."""
        count = min(count, file.size_bytes - start)
        if count <= 0:
            return b""
        path = _path(file.location)
        read = self._read_volume if _is_volume(path) else self._read_dbfs
        return _translated(file.location, lambda: read(path, start, count))

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the file by ranges; see `LogStore.chunks`."""
        return chunks_by_range(self.read_range, file)

    def __reduce__(self) -> tuple[Callable[..., "DatabricksFileStore"], tuple[object, ...]]:
        if self.client is None:
            return DatabricksFileStore, (None, self._login)
        config = self.client.config
        return _reopened, (config.host or "", config.token or "")

    def _dbfs_files(self, path: str) -> list[StoredFile]:
        status = self._asked(lambda client: client.dbfs.get_status(path))
        if not status.is_dir:
            return [_dbfs_file(status, path, _name(path))]
        found: list[StoredFile] = []
        folders = [path]
        while folders:
            for entry in self._dbfs_entries(folders.pop()):
                inner = entry.path or ""
                if entry.is_dir:
                    folders.append(inner)
                    continue
                found.append(_dbfs_file(entry, inner, _relative(inner, path)))
            checked_file_count(f"dbfs:{path}", len(found))
        return found

    def _dbfs_entries(self, folder: str) -> "list[FileInfo]":
        from databricks.sdk.service.files import DbfsAPI

        # The SDK's own extension of this asks of each folder, once more, whether it is one.
        return self._asked(lambda client: list(DbfsAPI.list(client.dbfs, folder)))

    def _volume_files(self, path: str) -> list[StoredFile]:
        alone = None if path.endswith("/") else self._volume_file(path)
        if alone:
            return [alone]
        found: list[StoredFile] = []
        folders = [path.rstrip("/")]
        while folders:
            for entry in self._volume_entries(folders.pop()):
                inner = (entry.path or "").rstrip("/")
                if entry.is_directory:
                    folders.append(inner)
                    continue
                modified_at = _from_ms(entry.last_modified)
                size = entry.file_size or 0
                found.append(StoredFile(inner, _relative(inner, path), size, modified_at))
            checked_file_count(path, len(found))
        return found

    def _volume_entries(self, folder: str) -> "list[DirectoryEntry]":
        return self._asked(lambda client: list(client.files.list_directory_contents(folder)))

    def _first_entry(self, folder: str) -> "DirectoryEntry | None":
        return self._asked(
            lambda client: next(
                iter(client.files.list_directory_contents(folder, page_size=1)), None
            )
        )

    def _volume_file(self, path: str) -> StoredFile | None:
        from databricks.sdk.errors import NotFound as Absent

        try:
            head = self._asked(lambda client: client.files.get_metadata(path))
        except Absent:
            return None
        modified_at = parsedate_to_datetime(head.last_modified) if head.last_modified else None
        return StoredFile(path, _name(path), head.content_length or 0, modified_at)

    def _read_dbfs(self, path: str, start: int, count: int) -> bytes:
        pieces: list[bytes] = []
        while count > 0:
            wanted = min(count, _DBFS_READ_BYTES)
            piece = self._dbfs_piece(path, start, wanted)
            if not piece:
                break
            pieces.append(piece)
            start, count = start + len(piece), count - len(piece)
        return b"".join(pieces)

    def _dbfs_piece(self, path: str, start: int, count: int) -> bytes:
        answer = self._asked(lambda client: client.dbfs.read(path, offset=start, length=count))
        return base64.b64decode(answer.data or "")

    def _read_volume(self, path: str, start: int, count: int) -> bytes:
        # The SDK's typed download has no range, though the API documents it.
        headers = {
            "Accept": "application/octet-stream",
            "Range": f"bytes={start}-{start + count - 1}",
        }
        answer = self._asked(
            lambda client: client.api_client.do(
                "GET",
                f"/api/2.0/fs/files{quote(path)}",
                headers=headers,
                raw=True,
                response_headers=["content-range"],
            )
        )
        if not isinstance(answer, dict):
            raise PlatformError(
                f"{path} cannot be read: the workspace sent no contents. Try again."
            )
        stream = answer["contents"]
        stream.set_chunk_size(BYTES_PER_MIB)
        with stream:
            if not answer.get("content-range"):
                stream.read(
                    start
                )  # the server ignored the range and sends the file from its start
            return bytes(stream.read(count))

    def _asked(self, ask: "Callable[[WorkspaceClient], Result]") -> Result:
        """Return what the workspace answers; where it fails, it is asked again within bounds."""
        client = self._connected()
        from databricks.sdk import errors

        for attempt in range(1, _ATTEMPTS):
            try:
                return ask(client)
            except (errors.InternalError, errors.TemporarilyUnavailable, errors.DeadlineExceeded):
                client.config.clock.sleep(attempt)
        return ask(client)

    def _connected(self) -> "WorkspaceClient":
        if self.client is not None:
            return self.client
        if self._found is None:
            self._found = _connect(self._login)
        return self._found


def _reopened(host: str, token: str) -> DatabricksFileStore:
    """Return a store of a certain workspace in another process."""
    login = {"host": host, "token": token, "auth_type": "pat"}
    return DatabricksFileStore(None, login)


def _connect(login: Mapping[str, Any]) -> "WorkspaceClient":
    try:
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.config import Config
    except ImportError as error:
        raise MissingDependency(
            "Reading dbfs:/ and /Volumes/ needs databricks-sdk, which is not installed. "
            "Run: pip install databricks-sdk"
        ) from error
    try:
        config = Config(
            retry_timeout_seconds=_RETRY_TIMEOUT_S,
            http_timeout_seconds=_HTTP_TIMEOUT_S,
            product="isocost",
            **login,
        )
        return WorkspaceClient(config=config)
    except ValueError as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise PlatformError(
            f"No Databricks workspace is configured: {reason}. Searched: DATABRICKS_HOST and "
            "DATABRICKS_TOKEN, DATABRICKS_CONFIG_PROFILE, ~/.databrickscfg. Set the first two, or "
            "run: databricks auth login"
        ) from error


def _path(location: str) -> str:
    """Return the absolute path; `dbfs:/Volumes/…` is the volume."""
    path = location.removeprefix("dbfs:").removeprefix("//")
    return path if path.startswith("/") else f"/{path}"


def _is_volume(path: str) -> bool:
    return path.startswith(_VOLUMES)


def _name(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _relative(path: str, folder: str) -> str:
    return path.removeprefix(folder.rstrip("/")).lstrip("/")


def _from_ms(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / MS_PER_S, UTC) if milliseconds else None


def _dbfs_file(info: "FileInfo", path: str, relative: str) -> StoredFile:
    modified_at = _from_ms(info.modification_time)
    return StoredFile(f"dbfs:{path}", relative, info.file_size or 0, modified_at)


def _translated(location: str, call: Callable[[], Result]) -> Result:
    """Make a call; the SDK's errors become ours."""
    try:
        import requests
        from databricks.sdk.errors.base import DatabricksError
    except ImportError:
        return call()
    try:
        return call()
    except DatabricksError as error:
        raise _from_answer(location, error) from error
    except (requests.RequestException, TimeoutError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise PlatformError(
            f"{location} cannot be read: {reason}. Check the workspace's address "
            "(DATABRICKS_HOST) and the network, then try again."
        ) from error


def _from_answer(location: str, error: "DatabricksError") -> IsocostError:
    from databricks.sdk import errors

    reason = str(error).strip().rstrip(".")
    if isinstance(error, errors.NotFound):
        return NotFound(
            f"{location} does not exist in the workspace ({reason}). Check the cluster's log "
            "destination: it holds <cluster id>/eventlog/."
        )
    if isinstance(error, errors.Unauthenticated):
        return PlatformError(
            f"{location} cannot be read: the workspace refuses the credentials ({reason}). "
            "Renew DATABRICKS_TOKEN, or the token that the workspace was added with, or run: "
            "databricks auth login"
        )
    if isinstance(error, errors.PermissionDenied):
        return PlatformError(
            f"{location} may not be read: {reason}. The identity in use needs READ VOLUME on the "
            "volume, or read access to DBFS."
        )
    return Unavailable(f"{location} cannot be read: the workspace answered {reason}. Try again.")
