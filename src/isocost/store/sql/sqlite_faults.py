"""What SQLite or the file system refused in; our error, with the next step, out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from isocost.errors import Busy, InternalError, InvalidInput, IsocostError, PlatformError

# Primary result codes of https://www.sqlite.org/rescode.html; extended ones carry more above.
_PRIMARY: Final = 0xFF
_PERM, _BUSY, _LOCKED, _READONLY, _IOERR = 3, 5, 6, 8, 10
_CORRUPT, _FULL, _CANTOPEN, _NOTADB = 11, 13, 14, 26


@contextmanager
def translated(path: Path, busy_timeout_s: float) -> Iterator[None]:
    """Turn what SQLite raises inside the block into an error of ours.

    Raises:
        Busy: if another process held the database for longer than the timeout.
        InvalidInput: if the file is no database, is damaged, or may not be opened or written.
        PlatformError: if the disk is full or fails.
        InternalError: for whatever else SQLite refused.
    """
    try:
        yield
    except DBAPIError as error:
        raise _fault(error, path, busy_timeout_s) from error


def _fault(error: DBAPIError, path: Path, busy_timeout_s: float) -> IsocostError:
    code = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY
    if code in {_BUSY, _LOCKED}:
        return Busy(
            f"Another process has been writing to {path} for more than {busy_timeout_s:g} s. Try "
            "again when it has finished."
        )
    if code in {_CORRUPT, _NOTADB}:
        return InvalidInput(
            f"{path} cannot be used as Isocost's database: {error.orig}. Put a good copy in its "
            "place, move the file away, or point ISOCOST_HOME to another directory."
        )
    if code in {_PERM, _READONLY, _CANTOPEN}:
        return InvalidInput(
            f"{path} cannot be opened and written: {error.orig}. Allow writing to the file and "
            "its directory, or point ISOCOST_HOME to another directory."
        )
    if code in {_FULL, _IOERR}:
        return PlatformError(
            f"The disk refused a write or read of {path}: {error.orig}. Free some space or mend "
            "the disk, then repeat the command; what was stored before is kept."
        )
    return InternalError(f"{path}: SQLite refused: {error.orig}. Please report this.")


def make_home(directory: Path) -> None:
    """Make the database's directory; raises InvalidInput if that cannot be done."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The directory {directory} cannot be made: {error.strerror}. Point ISOCOST_HOME to "
            "a directory that can be written."
        ) from error
