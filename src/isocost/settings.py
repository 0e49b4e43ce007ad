"""Environment and configuration file in, frozen settings out; read once, at a door.

Each setting has one name everywhere: `scale_factor` in section `[spark_local]` of `isocost.toml`
is `ISOCOST_SPARK_LOCAL_SCALE_FACTOR` in the environment, which wins. `isocost.toml` lies in the
home directory, and that is `ISOCOST_HOME` or the user's data directory.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path, user_data_path

from isocost.errors import InvalidInput

CONFIG_FILE: Final = "isocost.toml"

# TPC-DS scale factor 1 is 1 GB of raw data: on two cores the demo's applications then take some
# 10 s each, long enough for their spark tasks to outweigh the start of a JVM.
DEFAULT_SCALE_FACTOR: Final = 1.0
# Thirty times what the slowest demo application takes: whoever reaches it hangs.
DEFAULT_TIME_LIMIT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where Isocost keeps what it must not lose, and what it can make again."""

    home: Path
    cache: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "isocost.db"

    @property
    def runs(self) -> Path:
        """One directory for each run carried out here, with its event log."""
        return self.home / "runs"

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
class Settings:
    """Everything that can be set, one part for each area."""

    storage: StorageSettings
    spark_local: SparkLocalSettings


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of this environment.

    Raises:
        InvalidInput: if a value cannot be read; names every place that was looked at.
    """
    home = Path(environ.get("ISOCOST_HOME") or user_data_path("isocost")).expanduser()
    cache = Path(environ.get("ISOCOST_CACHE") or user_cache_path("isocost")).expanduser()
    file = _FileSettings(home / CONFIG_FILE, environ)
    return Settings(
        storage=StorageSettings(home.absolute(), cache.absolute()),
        spark_local=SparkLocalSettings(
            scale_factor=file.positive("spark_local", "scale_factor", DEFAULT_SCALE_FACTOR),
            time_limit_s=file.positive("spark_local", "time_limit_s", DEFAULT_TIME_LIMIT_S),
        ),
    )


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

    def positive(self, section: str, name: str, default: float) -> float:
        """Return a number above 0."""
        variable = f"ISOCOST_{section}_{name}".upper()
        table = self._tables.get(section, {})
        value = self._environ.get(variable, table.get(name, default))
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not 0 < number < float("inf"):
            raise InvalidInput(
                f"{name} must be a number above 0; got {value!r}. Searched: the environment's "
                f"{variable}, then [{section}] {name} in {self._path}."
            )
        return number
