"""What PostgreSQL or the way to it refused in; our error, with the next step, out.

libpq gives no SQLSTATE for a connection that was never made, only the server's words, in its
language. So those are looked through for what is known to be said, and handed on whole.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from isocost.errors import Busy, InternalError, InvalidInput, IsocostError, PlatformError

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_WAITED_IN_VAIN: Final = {"55P03", "40001", "40P01", "57014"}
_WRONG_PASSWORD: Final = {"28P01", "28000"}
_NO_DATABASE: Final = {"3D000"}
_FORBIDDEN: Final = {"42501", "3F000", "25006"}
_NO_ROOM: Final = {"53100", "53200", "53400", "58030"}
_DAMAGED: Final = {"XX001", "XX002"}
_TOO_MANY: Final = {"53300"}
_GOING: Final = {"57P01", "57P02", "57P03"}  # shut down, crashed, not yet up

_SAID: Final = {
    "28P01": re.compile(r"password authentication failed|no password supplied"),
    "28000": re.compile(r"no pg_hba\.conf entry|role .* (does not exist|is not permitted)"),
    "3D000": re.compile(r"database .* does not exist"),
    "53300": re.compile(r"too many (clients|connections)|remaining connection slots"),
    "57P03": re.compile(r"the database system is|server closed the connection"),
}


@contextmanager
def translated(name: str, busy_timeout_s: float) -> Iterator[None]:
    """Turn what PostgreSQL raises inside the block into an error of ours.

    Raises:
        Busy: if another writer held the lock for longer than the timeout, or there are too many
            connections.
        InvalidInput: if the user, the password, the database or a permission is wrong.
        PlatformError: if the server cannot be reached, went away, or has no room.
        InternalError: for whatever else PostgreSQL refused.
    """
    try:
        yield
    except DBAPIError as error:
        raise _fault(error, name, busy_timeout_s) from error
    except PoolTimeout as error:
        raise Busy(
            f"Every connection of this process to {name} has been in use for more than "
            f"{busy_timeout_s:g} s. Try again when it has less to do."
        ) from error


def is_absence(error: DBAPIError) -> bool:
    """Return whether the server was away or full, so that asking again later may help."""
    code = _code(error)
    return code in _GOING | _TOO_MANY or (code is None and _is_about_connecting(error))


def _fault(error: DBAPIError, name: str, busy_timeout_s: float) -> IsocostError:
    code, said = _code(error), _words(error)
    if code in _WAITED_IN_VAIN:
        return Busy(
            f"Another process has been writing to {name} for more than {busy_timeout_s:g} s. Try "
            f"again when it has finished. PostgreSQL said: {said}"
        )
    if code in _TOO_MANY:
        return Busy(
            f"{name} takes no more connections: {said}. Try again later, or raise the server's "
            "max_connections."
        )
    if code in _GOING or (code is None and _is_about_connecting(error)):
        return PlatformError(
            f"PostgreSQL at {name} cannot be reached or went away: {said}. A transaction that had "
            "begun is undone, unless it was just being committed. See that the server runs and "
            "that host and port are right, then repeat the command."
        )
    return _refusal(code, said, name)


def _refusal(code: str | None, said: str, name: str) -> IsocostError:
    if code in _WRONG_PASSWORD:
        return InvalidInput(
            f"{name} does not let us in: {said}. Correct the user or the password in "
            "ISOCOST_STORAGE_DATABASE, or allow the user in the server's pg_hba.conf."
        )
    if code in _NO_DATABASE:
        return InvalidInput(
            f"There is no such database: {said}. Make it with PostgreSQL's createdb, or let "
            f"ISOCOST_STORAGE_DATABASE name another one than {name}."
        )
    if code in _FORBIDDEN:
        return InvalidInput(
            f"{name} does not let us do that: {said}. Give the user the right to make and change "
            "tables in its schema, and name a server that can be written."
        )
    if code in _NO_ROOM | _DAMAGED:
        return PlatformError(
            f"The server's disk or memory refused a write or read of {name}: {said}. Mend that, "
            "then repeat the command; what was stored before is kept."
        )
    return InternalError(f"{name}: PostgreSQL refused: {said}. Please report this.")


def _code(error: DBAPIError) -> str | None:
    code: str | None = getattr(error.orig, "sqlstate", None)
    if code is None:
        words = str(error.orig)
        return next((code for code, said in _SAID.items() if said.search(words)), None)
    return "57P01" if code.startswith("08") else code


def _is_about_connecting(error: DBAPIError) -> bool:
    # Whatever the server says to a statement has a code; what has none comes from the way to it.
    return type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout"}


def _words(error: DBAPIError) -> str:
    """Return what was said, in one line and without the full stop."""
    return " ".join(str(error.orig).split()).rstrip(".")
