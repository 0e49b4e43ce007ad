"""A benchmark's data set on disk: made once for a scale factor, read by every run.

    <cache>/<tpcds or tpch>-sf<scale>-v<layout>/
        <table>/part-<n>.parquet
        queries/q<number>.sql    the official texts with the benchmark's qualification parameters
        tables.json              table → columns in Spark's words, so that no run infers a schema

The directory appears by one rename, so whoever finds it finds it whole.
"""

import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from filelock import FileLock

from isocost.errors import PlatformError
from isocost.platforms.spark_local.failures import with_log
from isocost.platforms.spark_local.launch import ChildCommand, run_child
from isocost.platforms.spark_local.software import clean_environment, require

# Goes up whenever the generator writes something else, so that old caches are left aside.
LAYOUT_VERSION = 1
# Scale 1 takes about 25 s on two cores; the time grows in proportion. A generator that is still
# busy after an hour (about scale 100) is stuck or asked for more than this platform is for.
GENERATION_LIMIT_S = 3600.0
GENERATOR = "isocost.platforms.spark_local.generate"


class Benchmark(Enum):
    """Whose tables and queries; the value is DuckDB's word for the extension that brings them."""

    TPCDS = "tpcds"
    TPCH = "tpch"


@dataclass(frozen=True, slots=True)
class TableData:
    """One data set at one scale factor.

    Attributes:
        directory: as drawn in this module's caption; may not exist yet.
    """

    directory: Path

    def table_directory(self, table: str) -> Path:
        """Return where the Parquet files of `table` lie."""
        return self.directory / table

    def schemas(self) -> dict[str, str]:
        """Return table → column list as Spark DDL, in the files' column order."""
        text = (self.directory / "tables.json").read_text(encoding="utf-8")
        tables: dict[str, str] = json.loads(text)
        return tables

    def query(self, number: int) -> str:
        """Return the text of query `number` (1 to 99 or 1 to 22) as Spark SQL."""
        path = self.directory / "queries" / f"q{number}.sql"
        return spark_sql(path.read_text(encoding="utf-8"))


def spark_sql(text: str) -> str:
    """Return standard SQL with its quoted names in Spark's backticks.

    Spark 3.5 reads "double quotes" as a string; only Spark 4 has a setting for the standard's
    meaning. Quotes within 'strings' stay.
    """
    return re.sub(r"('(?:[^']|'')*')|\"([^\"]*)\"", _requoted, text)


def _requoted(match: re.Match[str]) -> str:
    return match[1] or f"`{match[2]}`"


def data_set(
    cache: Path, scale_factor: float, benchmark: Benchmark = Benchmark.TPCDS
) -> TableData:
    """Return the data set of `scale_factor` under `cache`, made or not."""
    return TableData(cache / f"{benchmark.value}-sf{scale_factor:g}-v{LAYOUT_VERSION}")


def make(data: TableData, scale_factor: float, benchmark: Benchmark = Benchmark.TPCDS) -> None:
    """Make the data set unless it is there; two processes may call this at once.

    Raises:
        MissingDependency: if DuckDB or its extension is not installed.
        PlatformError: if the generator failed, with the last lines it wrote.
    """
    if data.directory.exists():
        return
    require("duckdb", f"duckdb_extension_{benchmark.value}")
    data.directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{data.directory}.lock"):
        if not data.directory.exists():
            _generate(data, scale_factor, benchmark)


def _generate(data: TableData, scale_factor: float, benchmark: Benchmark) -> None:
    # In a process of its own: an out-of-memory or a crash in native code must not end the product.
    request = data.directory.with_name(f"{data.directory.name}.request.json")
    log = data.directory.with_name(f"{data.directory.name}.log")
    log.unlink(missing_ok=True)
    asked = {
        "directory": str(data.directory),
        "scale_factor": scale_factor,
        "benchmark": benchmark.value,
    }
    request.write_text(json.dumps(asked), encoding="utf-8")
    environment = clean_environment()
    command = ChildCommand(GENERATOR, request, data.directory.parent, log, environment)
    exit_code = run_child(command, time_limit_s=GENERATION_LIMIT_S)
    request.unlink()
    if exit_code != 0 or not data.directory.exists():
        raise PlatformError(_why_not_made(data, exit_code, log))
    log.unlink()


def _why_not_made(data: TableData, exit_code: int | None, log: Path) -> str:
    ending = "time limit" if exit_code is None else f"exit code {exit_code}"
    why = f"Making the data set in {data.directory} failed ({ending})."
    remedy = "Free disk or memory, or ask for a smaller scale factor; then repeat the command."
    return f"{with_log(why, log, whose='The generator')}\n{remedy}"
