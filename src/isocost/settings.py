"""Environment and configuration file in, frozen settings out; read once, at a door.

Each setting has one name everywhere: `scale_factor` in section `[spark_local]` of `isocost.toml`
is `ISOCOST_SPARK_LOCAL_SCALE_FACTOR` in the environment, which wins. `isocost.toml` lies in the
home directory, and that is `ISOCOST_HOME` or the user's data directory.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path, user_data_path

from isocost.errors import InvalidInput
from isocost.store.address import PostgresAddress

CONFIG_FILE: Final = "isocost.toml"
DATABASE_FILE: Final = "isocost.db"  # what is used where no other database is set

# 80 bits where each character is one of 32: more than anybody can try over a network.
LEAST_TOKEN_LENGTH: Final = 16

# TPC-DS at scale factor 1, about 1 GB of text, keeps most applications at 6 to 15 s on one core,
# start-up included: short enough to wait for, and their spark tasks still outweigh the
# JVM's start.
DEFAULT_SCALE_FACTOR: Final = 1.0
# Twenty times the slowest application (tpcds/q72, about 30 s on one core at the default scale):
# whoever reaches it hangs, or has far too much data for its cluster.
DEFAULT_TIME_LIMIT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where Isocost keeps what it must not lose, and what it can make again.

    Attributes:
        database: a SQLite file, or where PostgreSQL is; prints without the password.
    """

    home: Path
    cache: Path
    database: Path | PostgresAddress

    @property
    def runs(self) -> Path:
        """One directory for each run carried out here, with its event log."""
        return self.home / "runs"

    @property
    def vault(self) -> Path:
        """The workloads that the user recorded."""
        return self.home / "vault" / "workloads.jsonl.zst"

    @property
    def credentials(self) -> Path:
        """Tokens of workspaces, apart from the database, which may be shared."""
        return self.home / "credentials.toml"

    @property
    def reports(self) -> Path:
        """HTML reports, one for each experiment."""
        return self.home / "reports"


@dataclass(frozen=True, slots=True)
class SparkLocalSettings:
    """How real Spark is run on this machine."""

    scale_factor: float
    time_limit_s: float


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Who may ask the server.

    Attributes:
        api_token: from `ISOCOST_API_TOKEN` alone, for it is a secret; empty for none.
    """

    api_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, one part for each area."""

    storage: StorageSettings
    spark_local: SparkLocalSettings
    server: ServerSettings = ServerSettings()


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of this environment.

    Raises:
        InvalidInput: if a value cannot be read; names every place that was looked at.
    """
    home = _directory("ISOCOST_HOME", environ, user_data_path("isocost"))
    cache = _directory("ISOCOST_CACHE", environ, user_cache_path("isocost"))
    file = _FileSettings(home / CONFIG_FILE, environ)
    return Settings(
        storage=StorageSettings(
            home, cache, file.address("storage", "database") or home / DATABASE_FILE
        ),
        spark_local=SparkLocalSettings(
            scale_factor=file.positive("spark_local", "scale_factor", DEFAULT_SCALE_FACTOR),
            time_limit_s=file.positive("spark_local", "time_limit_s", DEFAULT_TIME_LIMIT_S),
        ),
        server=ServerSettings(_api_token(environ)),
    )


def _api_token(environ: Mapping[str, str]) -> str:
    token = environ.get("ISOCOST_API_TOKEN", "")
    if token and len(token) < LEAST_TOKEN_LENGTH:
        raise InvalidInput(
            f"ISOCOST_API_TOKEN has {len(token)} characters; one that nobody guesses has at least "
            f"{LEAST_TOKEN_LENGTH}. Make one with: openssl rand -hex 24"
        )
    return token


def _directory(variable: str, environ: Mapping[str, str], default: Path) -> Path:
    try:
        return Path(environ.get(variable) or default).expanduser().absolute()
    except RuntimeError as error:  # pathlib's answer to "~name" where nobody is called so
        raise InvalidInput(
            f"{variable} is {environ.get(variable)!r}: {error}. Set it to a directory's full path."
        ) from error


_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "storage": ("database",),
    "spark_local": tuple(field.name for field in fields(SparkLocalSettings)),
}


class _FileSettings:
    """The configuration file, overlaid by the environment."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        try:
            self._tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._tables = {}
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}. Correct or remove it.") from error
        for section, table in self._tables.items():
            self._check_section(section, table)

    def _check_section(self, section: str, table: object) -> None:
        if section not in _SECTIONS:
            known = ", ".join(f"[{name}]" for name in _SECTIONS)
            raise InvalidInput(
                f"{self._path} sets {section!r}, which is no section. Known: {known}. Correct or "
                "remove it."
            )
        names = ", ".join(_SECTIONS[section])
        if not isinstance(table, dict):
            shown = "***" if section == "storage" else repr(table)  # which may hold a password
            raise InvalidInput(
                f"{self._path} sets {section} = {shown}; it must be a section, [{section}], "
                f"with one NAME = VALUE on each line. Known names: {names}."
            )
        unknown = sorted(table.keys() - _SECTIONS[section])
        if unknown:
            raise InvalidInput(
                f"{self._path} sets {', '.join(map(repr, unknown))} in [{section}], which is not "
                f"known there. Known names: {names}."
            )

    def positive(self, section: str, name: str, default: float) -> float:
        """Return a number above 0."""
        value = self._value(section, name, default)
        try:
            # Python takes true for 1; whoever wrote it meant something else.
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not 0 < number < float("inf"):
            raise InvalidInput(
                f"{name} must be a number above 0; got {value!r}. {self._searched(section, name)}"
            )
        return number

    def address(self, section: str, name: str) -> PostgresAddress | None:
        """Return a database's address, or None if it is not set or empty."""
        value = self._value(section, name, "")
        try:
            # A bad value is not shown: nobody knows which part of it is the password.
            return PostgresAddress(str(value)) if value != "" else None
        except InvalidInput as error:
            raise InvalidInput(f"{error} {self._searched(section, name)}") from error

    def _value(self, section: str, name: str, default: object) -> Any:  # noqa: ANN401  TOML's types
        table = self._tables.get(section, {})
        return self._environ.get(_variable(section, name), table.get(name, default))

    def _searched(self, section: str, name: str) -> str:
        return (
            f"Searched: the environment's {_variable(section, name)}, then [{section}] {name} in "
            f"{self._path}."
        )


def _variable(section: str, name: str) -> str:
    return f"ISOCOST_{section}_{name}".upper()
