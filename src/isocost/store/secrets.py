"""Workspaces' tokens in, kept apart from the database; the same tokens out.

`ISOCOST_TOKEN_<NAME>` of the environment wins over the file, so that a server can be given its
tokens by whatever keeps secrets there. The file is the user's own, as a private key is.
"""

import json
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock

from isocost.errors import InvalidInput, NotFound

_TOKEN: Final = "token"  # noqa: S105  the name of a field
_WEBHOOK: Final = "webhook_secret"
_OWN_MODE: Final = 0o600
_OF_OTHERS: Final = 0o077
_WEBHOOK_BYTES: Final = 32  # 256 bits: nobody guesses it

Tables = dict[str, dict[str, str]]


class SecretFile:
    """The secrets of all workspaces. Thread-safe, and safe against other processes."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ

    def __repr__(self) -> str:
        return f"SecretFile({str(self._path)!r}, '***')"

    def token_of(self, name: str) -> str:
        """Return a workspace's token.

        Raises:
            NotFound: there is none; names every place that was looked at.
            InvalidInput: the file cannot be read, or others can read it.
        """
        return self._found(name, _TOKEN, "ISOCOST_TOKEN")

    def webhook_secret_of(self, name: str) -> str:
        """Return what a workspace proves itself with when it calls; raises as `token_of`."""
        return self._found(name, _WEBHOOK, "ISOCOST_WEBHOOK_SECRET")

    def put(self, name: str, token: str) -> None:
        """Keep a workspace's token; its webhook secret is drawn when it is first kept.

        Raises:
            InvalidInput: the token is no text that a token can be, or the file cannot be written.
        """
        check_token(token)
        with self._changed() as tables:
            known = tables.get(name, {})
            webhook = known.get(_WEBHOOK) or secrets.token_urlsafe(_WEBHOOK_BYTES)
            tables[name] = {_TOKEN: token, _WEBHOOK: webhook}

    def remove(self, name: str) -> None:
        """Forget a workspace's secrets, if there are any."""
        with self._changed() as tables:
            tables.pop(name, None)

    def _found(self, name: str, field: str, prefix: str) -> str:
        variable = f"{prefix}_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
        found = self._environ.get(variable) or self._tables().get(name, {}).get(field)
        if found:
            return found
        raise NotFound(
            f"There is no {field.replace('_', ' ')} for workspace {name!r}. Searched: the "
            f"environment's {variable}, then {self._path}. Set the variable, or run: isocost "
            f"workspace add {name} with the workspace's address."
        )

    def _tables(self) -> Tables:
        try:
            is_open = os.name == "posix" and self._path.stat().st_mode & _OF_OTHERS
            text = self._path.read_text(encoding="utf-8")
            tables = tomllib.loads(text)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            # The parser's message may quote a line, and with it a token.
            reason = error.strerror if isinstance(error, OSError) else "it is no TOML"
            raise InvalidInput(
                f"{self._path} cannot be read: {reason}. Correct or remove it, then add the "
                "workspaces' tokens again."
            ) from None
        if is_open:
            raise InvalidInput(
                f"{self._path} holds tokens and can be read by other users. Run: chmod 600 "
                f"{self._path}"
            )
        return {name: dict(table) for name, table in tables.items() if isinstance(table, dict)}

    @contextmanager
    def _changed(self) -> Iterator[Tables]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_suffix(".lock")):
                tables = self._tables()
                yield tables
                _write(self._path, _text(tables))
        except OSError as error:
            raise InvalidInput(
                f"{self._path} cannot be written: {error.strerror}. Point ISOCOST_HOME to a "
                "directory that can be."
            ) from error


def check_token(token: str) -> None:
    """Raise InvalidInput if this cannot be a token."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput(
            f"That is no token: it has {len(token)} characters, or some that no token has. Make "
            "one in the workspace under Settings > Developer > Access tokens and pass it as it is."
        )


def _text(tables: Tables) -> str:
    lines = ["# Tokens of Isocost's workspaces; nobody else should read them."]
    for name, table in sorted(tables.items()):
        # Of printable ASCII, JSON's strings are TOML's.
        lines += ["", f"[{json.dumps(name)}]"]
        lines += [f"{field} = {json.dumps(text)}" for field, text in table.items()]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """Replace the file at once: a reader finds the old one or the new one, and so does a crash."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_OWN_MODE)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
