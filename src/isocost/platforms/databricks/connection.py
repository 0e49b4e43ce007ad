"""An address and a token in; the workspace's answers out, or errors that name the remedy."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import requests
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.errors.base import DatabricksError

from isocost.errors import (
    Busy,
    InvalidInput,
    IsocostError,
    NotFound,
    PlatformError,
    Unavailable,
)
from isocost.platforms.databricks.patience import PatientClock, client_of
from isocost.platforms.databricks.unreached import first_line, told

Answer = TypeVar("Answer")
Json = dict[str, Any]

# The SDK's own limit is five minutes; a person is waiting.
PATIENCE_S: Final = 60
# The SDK waits out 429 and 503 but not 500, 502 and 504: they are tried again this often, after
# as many seconds as attempts were made.
ATTEMPTS: Final = 3
# A page of 10,000 of anything is a loop of the workspace's, not a list.
_MOST_PAGES: Final = 10_000
_UNKNOWN_PATH: Final = {"ENDPOINT_NOT_FOUND", None}
_BAD_TOKEN: Final = re.compile(r"access token|token (is|has) expired|credential", re.IGNORECASE)

# Without a handler Python prints the SDK's remarks beside our messages, which say the same.
logging.getLogger("databricks.sdk").addHandler(logging.NullHandler())


class Calls:
    """Requests to one workspace through the official SDK. Thread-safe.

    Each is tried again within `patience_s` where the workspace asks for it or cannot be reached,
    after a pause of at most `longest_pause_s`, whatever the workspace asks for.
    """

    def __init__(
        self,
        host: str,
        token: str,
        *,
        patience_s: int = PATIENCE_S,
        longest_pause_s: float | None = None,
    ) -> None:
        """Prepare; the network is not asked yet.

        Args:
            host: the workspace's address.
            token: as the workspace gave it out.
            patience_s: after which an answer or the end of a limit is waited for no more.
            longest_pause_s: between two attempts; None for `patience_s`.
        """
        self.host = host.rstrip("/")
        self._token = token
        self._patience_s = patience_s
        self._longest_pause_s = patience_s if longest_pause_s is None else longest_pause_s
        self._clock = PatientClock(self._longest_pause_s)
        self._client: WorkspaceClient | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Calls({self.host!r}, '***')"

    @property
    def client(self) -> WorkspaceClient:
        """The SDK's client, made when first asked for; to be used inside `call` only."""
        with self._lock:
            if self._client is None:
                self._client = client_of(
                    self.host, self._token, patience_s=self._patience_s, clock=self._clock
                )
            return self._client

    def pause(self, attempt: int) -> None:
        """Wait before another attempt: as many seconds as there were, within bounds."""
        time.sleep(min(attempt, self._longest_pause_s))

    def call(
        self, what: str, ask: Callable[[], Answer], *, grant: str = "", is_repeatable: bool = True
    ) -> Answer:
        """Return what `ask` returns.

        Args:
            ask: makes the request.
            what: is being done, as in "reading databricks job 17".
            grant: the permission it takes and on what, as in "CAN VIEW on the databricks job".
            is_repeatable: doing it twice is as doing it once.

        Raises:
            NotFound: what is asked about is not there.
            InvalidInput: the workspace finds the request wrong.
            Busy: it asks for more patience than `patience_s`, or somebody else is at it.
            Unavailable: it fails, or cannot be reached.
            PlatformError: it refuses.
        """
        with self._clock.limit(self._patience_s):
            return self._called(what, ask, grant, attempts=ATTEMPTS if is_repeatable else 1)

    def _called(
        self, what: str, ask: Callable[[], Answer], grant: str, *, attempts: int
    ) -> Answer:
        for attempt in range(1, attempts + 1):
            try:
                return ask()
            except DatabricksError as error:
                if _is_failure(error) and attempt < attempts:
                    self.pause(attempt)
                    continue
                raise self._refusal(what, error, grant) from error
            except TimeoutError as error:
                raise self._out_of_patience(what, error) from error
            except requests.exceptions.JSONDecodeError as error:
                raise self._no_workspace(what, "its answer is no JSON") from error
            except (requests.RequestException, ValueError) as error:
                raise self._no_workspace(what, told(error)) from error
        raise AssertionError("the last attempt returns or raises")

    def get(
        self,
        what: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        grant: str = "",
    ) -> Json:
        """Return the raw answer to GET: also of fields that the SDK does not know."""
        return self._do(what, "GET", path, query=dict(query or {}), grant=grant)

    def post(
        self,
        what: str,
        path: str,
        body: Mapping[str, Any],
        *,
        grant: str = "",
        is_repeatable: bool = True,
    ) -> Json:
        """Return the raw answer to POST."""
        return self._do(
            what, "POST", path, body=dict(body), grant=grant, is_repeatable=is_repeatable
        )

    def patch(self, what: str, path: str, body: Mapping[str, Any], *, grant: str = "") -> Json:
        """Return the raw answer to PATCH, which done twice is as done once."""
        return self._do(what, "PATCH", path, body=dict(body), grant=grant)

    def pages(
        self, what: str, path: str, query: Mapping[str, Any], *, grant: str = ""
    ) -> Iterator[Json]:
        """Yield the raw pages that `next_page_token` strings together."""
        asked = dict(query)
        for _ in range(_MOST_PAGES):
            answer = self.get(what, path, asked, grant=grant)
            yield answer
            token = answer.get("next_page_token")
            if not token or token == asked.get("page_token"):
                return
            asked["page_token"] = token

    def _do(
        self,
        what: str,
        method: str,
        path: str,
        *,
        grant: str,
        is_repeatable: bool = True,
        **sent: Any,  # noqa: ANN401  query and body, as the SDK takes them
    ) -> Json:
        answer = self.call(
            what,
            lambda: self.client.api_client.do(method, path, **sent),
            grant=grant,
            is_repeatable=is_repeatable,
        )
        if not isinstance(answer, dict):
            raise self._no_workspace(what, "its answer is no JSON object")
        return answer

    def _refusal(self, what: str, error: DatabricksError, grant: str) -> IsocostError:
        reason = _reason(error)
        if isinstance(error, errors.Unauthenticated) or _is_bad_token(error):
            return PlatformError(
                f"{self.host} does not accept the token ({reason}) when {what}. Make a new one in "
                "the workspace under Settings > Developer > Access tokens and pass it again."
            )
        if isinstance(error, errors.PermissionDenied):
            need = grant or "what the message names"
            return PlatformError(
                f"{self.host} forbids {what}: {reason}. Have a workspace admin grant the token's "
                f"owner {need}, then run isocost workspace check."
            )
        if _is_foreign(error):
            return self._no_workspace(what, reason)
        if isinstance(error, errors.NotFound) or _is_absent(error):
            return NotFound(
                f"{self.host} has nothing for {what}: {reason}. It may have been deleted; check "
                "in the workspace."
            )
        return self._failure(what, error, reason)

    def _failure(self, what: str, error: DatabricksError, reason: str) -> IsocostError:
        if isinstance(error, errors.TooManyRequests | errors.ResourceConflict):
            return Busy(f"{self.host} is busy: {what} must wait ({reason}). Try again later.")
        if _is_failure(error):
            return Unavailable(
                f"{self.host} failed at {what}: {reason}. Try again in some minutes; "
                "status.databricks.com tells of known trouble."
            )
        if isinstance(error, errors.BadRequest):
            return InvalidInput(
                f"{self.host} finds the request wrong when {what}: {reason}. Correct what the "
                "message names."
            )
        return PlatformError(f"{self.host} refuses {what}: {reason}. Correct what it names.")

    def _out_of_patience(self, what: str, error: TimeoutError) -> IsocostError:
        cause = error.__cause__
        if isinstance(cause, errors.TooManyRequests):
            return Busy(
                f"{self.host} still limits requests after {self._clock.spent_s():.0f} s, when "
                f"{what}. Try again later."
            )
        if isinstance(cause, DatabricksError):
            return self._failure(what, cause, _reason(cause))
        return Unavailable(
            f"{self.host} could not be reached for {self._clock.spent_s():.0f} s, when {what}: "
            f"{told(cause or error)}. Check the address, the network and the workspace's IP "
            "access list, then try again."
        )

    def _no_workspace(self, what: str, reason: str) -> PlatformError:
        return PlatformError(
            f"{self.host} does not answer as a Databricks workspace does, when {what}: "
            f"{reason.rstrip('.')}. Pass the address that the browser shows, such as "
            "https://dbc-1234abcd-12ab.cloud.databricks.com."
        )


def is_out_of_patience(error: Unavailable) -> bool:
    """Whether all the time there was has been spent, so that another attempt has none."""
    return isinstance(error.__cause__, TimeoutError)


def _is_failure(error: DatabricksError) -> bool:
    """Whether the workspace itself failed, not the request."""
    kinds = errors.InternalError | errors.TemporarilyUnavailable | errors.DeadlineExceeded
    # The SDK has no class for 502, so the error code is all there is.
    return isinstance(error, kinds) or error.error_code == "BAD_GATEWAY"


def _is_bad_token(error: DatabricksError) -> bool:
    return isinstance(error, errors.PermissionDenied) and bool(_BAD_TOKEN.search(_reason(error)))


def _is_absent(error: DatabricksError) -> bool:
    # Databricks answers 400 for clusters and runs that are not there.
    return isinstance(error, errors.BadRequest) and "does not exist" in str(error)


def _is_foreign(error: DatabricksError) -> bool:
    """Whether no Databricks workspace answers like this."""
    is_unknown_path = isinstance(error, errors.NotFound) and error.error_code in _UNKNOWN_PATH
    return is_unknown_path or "unable to parse response" in str(error)


def _reason(error: DatabricksError) -> str:
    return first_line(error)
