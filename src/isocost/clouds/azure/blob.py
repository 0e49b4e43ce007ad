"""`abfss://`, `wasbs://` and blob URLs in, stored blobs and ranges of their bytes out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from isocost.clouds.base import StoredFile, checked_file_count, chunks_by_range
from isocost.errors import InvalidInput, IsocostError, MissingDependency, NotFound, PlatformError

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient, ContainerClient

_CONTAINER_SCHEMES: Final = ("abfss://", "abfs://", "wasbs://", "wasb://")
_HOSTS: Final = (".blob.core.", ".dfs.core.")  # both names serve the same account
_CONNECT_TIMEOUT_S: Final = 10
_READ_TIMEOUT_S: Final = 60
_TRIES: Final = 3  # beyond the first
_BACKOFF_S: Final = 1  # the SDK's own 15 seconds are for unattended machines
_TOKEN_SCOPE: Final = "https://storage.azure.com/.default"  # noqa: S105 - names a right, opens nothing
_PAST_THE_END: Final = 416
_DENIED: Final = {401, 403}
_FORM: Final = "abfss://<container>@<account>.dfs.core.windows.net/<path of the log>"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in which account."""

    host: str
    container: str
    path: str
    sas_token: str = field(default="", repr=False)

    @property
    def account(self) -> str:
        return self.host.split(".", 1)[0]

    def location_of(self, path: str) -> str:
        return f"abfss://{self.container}@{self.host.replace('.blob.', '.dfs.')}/{path}"


@dataclass(slots=True)
class AzureBlobStore:
    """Blobs of any storage account, with or without a hierarchical namespace.

    Args:
        environment: searched for credentials, in this order, after the token of a URL that has
            one: AZURE_STORAGE_CONNECTION_STRING (of the same account), AZURE_STORAGE_SAS_TOKEN,
            AZURE_STORAGE_KEY; else whatever azure-identity finds: service principal, managed
            identity, `az login`.
    """

    environment: Mapping[str, str] = field(repr=False)
    _sas_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    _services: "dict[str, BlobServiceClient]" = field(default_factory=dict, repr=False)

    def handles(self, location: str) -> bool:
        """Whether the location is a URL of Azure storage."""
        if location.startswith(_CONTAINER_SCHEMES):
            return True
        host = urlsplit(location).hostname or ""
        return location.startswith("https://") and any(part in host for part in _HOSTS)

    def find(self, location: str) -> tuple[StoredFile, ...]:
        """Return the blob, or all blobs below the path; see `LogStore.find`."""
        place = self._placed(location)
        alone = self._blob(place) if place.path and not place.path.endswith("/") else None
        found = (alone,) if alone else self._below(place)
        if not found:
            raise _nothing_at(place)
        return found

    def look_into(self, folder: str) -> None:
        """Ask for one blob below the path; see `LogStore.look_into`."""
        place = self._placed(folder)

        def first() -> object:
            found = self._container(place).list_blobs(
                name_starts_with=_prefix(place) or None, results_per_page=1
            )
            return next(iter(found), None)

        if _translated(place, first) is None:
            raise _nothing_at(place)

    def read_range(self, file: StoredFile, start: int, count: int) -> bytes:
        """Return a range of the blob; see `LogStore.read_range`."""
        place = _place(file.location)
        if count <= 0 or start >= file.size_bytes:
            return b""

        def get() -> bytes:
            blob = self._container(place).get_blob_client(place.path)
            return blob.download_blob(offset=start, length=count).readall()

        try:
            return _translated(place, get)
        except _PastTheEnd:
            return b""

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the blob by ranges; see `LogStore.chunks`."""
        return chunks_by_range(self.read_range, file)

    def __reduce__(self) -> tuple[type["AzureBlobStore"], tuple[Any, ...]]:
        return AzureBlobStore, (dict(self.environment), dict(self._sas_tokens))

    def _placed(self, location: str) -> _Place:
        """Return where it is, and keep the token that it may hold."""
        place = _place(location)
        if place.sas_token:
            self._sas_tokens[place.account] = place.sas_token
        return place

    def _blob(self, place: _Place) -> StoredFile | None:
        try:
            blob = _translated(
                place,
                lambda: self._container(place).get_blob_client(place.path).get_blob_properties(),
            )
        except NotFound:
            return None
        if _is_folder_mark(blob.metadata):
            return None
        name = place.path.rsplit("/", 1)[-1]
        return StoredFile(place.location_of(place.path), name, blob.size, blob.last_modified)

    def _below(self, place: _Place) -> tuple[StoredFile, ...]:
        return _translated(place, lambda: tuple(self._listed(place)))

    def _listed(self, place: _Place) -> list[StoredFile]:
        prefix = _prefix(place)
        found: list[StoredFile] = []
        for blob in self._container(place).list_blobs(
            name_starts_with=prefix or None, include=["metadata"]
        ):
            if _is_folder_mark(blob.metadata) or blob.name.endswith("/"):
                continue
            location = place.location_of(blob.name)
            relative = blob.name.removeprefix(prefix)
            found.append(StoredFile(location, relative, blob.size, blob.last_modified))
            checked_file_count(location, len(found))
        return sorted(found, key=lambda file: file.path)

    def _container(self, place: _Place) -> "ContainerClient":
        if place.host not in self._services:
            self._services[place.host] = self._connect(place)
        return self._services[place.host].get_container_client(place.container)

    def _connect(self, place: _Place) -> "BlobServiceClient":
        try:
            from azure.storage.blob import BlobServiceClient
        except ImportError as error:
            raise _without_software() from error
        options: dict[str, Any] = {
            "retry_total": _TRIES,
            "initial_backoff": _BACKOFF_S,
            "increment_base": _BACKOFF_S,
            "connection_timeout": _CONNECT_TIMEOUT_S,
            "read_timeout": _READ_TIMEOUT_S,
        }
        connection = self.environment.get("AZURE_STORAGE_CONNECTION_STRING", "")
        sas_token = self._sas_tokens.get(place.account, "")
        if not sas_token and f"accountname={place.account};" in f"{connection.lower()};":
            return BlobServiceClient.from_connection_string(connection, **options)
        credential = (
            sas_token
            or self.environment.get("AZURE_STORAGE_SAS_TOKEN")
            or self.environment.get("AZURE_STORAGE_KEY")
            or _identity()
        )
        return BlobServiceClient(f"https://{place.host}", credential, **options)


def _without_software() -> MissingDependency:
    return MissingDependency(
        "Reading Azure storage needs its SDK, which is not installed. "
        "Run: pip install 'isocost[azure]'"
    )


def _identity() -> "DefaultAzureCredential":
    """Return a credential that works; asked for a token here, where nothing would retry."""
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise _without_software() from error
    credential = DefaultAzureCredential()
    credential.get_token(_TOKEN_SCOPE)
    return credential


class _PastTheEnd(Exception):
    """The range starts where the blob has ended."""


def _is_folder_mark(metadata: Mapping[str, str] | None) -> bool:
    """Whether a blob stands for a folder, as hierarchical namespaces list them."""
    return (metadata or {}).get("hdi_isfolder", "").lower() == "true"


def _place(location: str) -> _Place:
    url = urlsplit(location)
    host = (url.hostname or "").replace(".dfs.core.", ".blob.core.")
    path = url.path.lstrip("/")
    if location.startswith(_CONTAINER_SCHEMES):
        # As Hadoop reads them: what follows the host is the name itself, nothing is escaped.
        path = location.split("://", 1)[1].partition("/")[2]
        container = url.username or ""
    else:
        container, _, path = unquote(path).partition("/")
    if not container or not host:
        shown = location.partition("?")[0]  # what follows may be a token
        raise InvalidInput(f"{shown} is incomplete. Write {_FORM}.")
    return _Place(host, container, path, url.query if url.scheme == "https" else "")


def _prefix(place: _Place) -> str:
    path = place.path.rstrip("/")
    return f"{path}/" if path else ""


def _nothing_at(place: _Place) -> NotFound:
    return NotFound(
        f"{place.location_of(place.path)} does not exist: no blob has this name, and none "
        f"lies below it. List what is there with: az storage blob list "
        f"--account-name {place.account} --container-name {place.container} -o table"
    )


def _translated(place: _Place, call: Callable[[], Result]) -> Result:
    """Make a call; the SDK's errors become ours."""
    try:
        from azure.core.exceptions import (
            AzureError,
            ClientAuthenticationError,
            HttpResponseError,
            ResourceNotFoundError,
        )
    except ImportError:
        return call()
    try:
        return call()
    except ResourceNotFoundError as error:
        raise _absent(place, _code(error)) from error
    except ClientAuthenticationError as error:
        raise _without_credentials(place, error) from error
    except HttpResponseError as error:
        raise _from_answer(place, error) from error
    except (AzureError, ValueError) as error:
        raise PlatformError(
            f"{place.location_of(place.path)} cannot be read: {_first_line(error)}. Check the "
            "account's name, the network and AZURE_STORAGE_CONNECTION_STRING, then try again."
        ) from error


def _absent(place: _Place, code: str) -> IsocostError:
    if "ContainerNotFound" in code:
        return NotFound(
            f"There is no container {place.container!r} in the account {place.account}. Check its "
            f"name, or list them: az storage container list --account-name {place.account}"
        )
    return NotFound(f"{place.location_of(place.path)} does not exist. Check its spelling.")


def _without_credentials(place: _Place, error: Exception) -> IsocostError:
    return PlatformError(
        f"{place.location_of(place.path)} cannot be read: no valid Azure credentials. Searched: "
        "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY, then "
        f"azure-identity ({_first_line(error)}). Run: az login"
    )


def _from_answer(place: _Place, error: "HttpResponseError") -> Exception:
    if error.status_code == _PAST_THE_END:
        return _PastTheEnd()
    if error.status_code in _DENIED:
        return PlatformError(
            f"{place.location_of(place.path)} may not be read: Azure answered "
            f"{_code(error) or error.status_code}. The identity in use needs the role "
            f"Storage Blob Data Reader on the account {place.account}."
        )
    return PlatformError(
        f"{place.location_of(place.path)} cannot be read: {_first_line(error)}. Try again."
    )


def _code(error: Exception) -> str:
    # The storage SDK adds it to the error after the service has answered.
    return str(getattr(error, "error_code", None) or "")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
