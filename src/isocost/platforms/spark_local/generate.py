"""A child process that makes one data set with DuckDB's generator and renames it in place.

Called by `data.make` as `python -m isocost.platforms.spark_local.generate request.json`.
"""

import json
import re
import shutil
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import duckdb

from isocost.platforms.spark_local import lifeline

# Files of about this size give a scan as many spark tasks as files: Spark splits at
# (bytes + 4 MiB a file) / parallelism, and 8 of these files fill 8 tasks at scale factor 1.
_FILE_BYTES = 16 * 1024 * 1024
_MOST_FILES = 64
# The generator's own tables stay on disk beyond this, so scale 10 does not need 25 GB of memory.
_DUCKDB_MEMORY = "2GB"
# DuckDB's names of the benchmarks' own generators.
_GENERATORS = {"tpcds": "dsdgen", "tpch": "dbgen"}


def main() -> None:
    """Read the request named on the command line and make what it asks for."""
    lifeline.hold()
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    directory, scale_factor = Path(request["directory"]), float(request["scale_factor"])
    generate(directory, scale_factor, request["benchmark"])


def generate(directory: Path, scale_factor: float, benchmark: str) -> None:
    """Make the data set beside `directory`, then rename it there; the caller holds its lock."""
    unfinished = directory.with_name(f"{directory.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # what a killed generator left
    (unfinished / "queries").mkdir(parents=True)
    database = unfinished / "generated.duckdb"
    with duckdb.connect(str(database)) as connection:
        _load_extension(connection, benchmark)
        connection.execute(f"SET memory_limit = '{_DUCKDB_MEMORY}'")
        connection.execute(f"CALL {_GENERATORS[benchmark]}(sf = ?)", [scale_factor])
        _write_tables(connection, unfinished)
        _write_queries(connection, unfinished / "queries", benchmark=benchmark)
    database.unlink()
    unfinished.rename(directory)


def _load_extension(connection: duckdb.DuckDBPyConnection, benchmark: str) -> None:
    spec = find_spec(f"duckdb_extension_{benchmark}")
    if spec is None or spec.origin is None:
        sys.exit(f"The package duckdb-extension-{benchmark} is not installed.")
    path = next(Path(spec.origin).parent.rglob(f"{benchmark}.duckdb_extension"))
    connection.load_extension(str(path))
    # The same rows in the same files on every machine, however many cores wrote them.
    connection.execute("SET preserve_insertion_order = true")


def _write_queries(
    connection: duckdb.DuckDBPyConnection, directory: Path, *, benchmark: str
) -> None:
    for number, text in connection.execute(f"FROM {benchmark}_queries()").fetchall():
        (directory / f"q{number}.sql").write_text(text, encoding="utf-8")


def _write_tables(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    columns = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "ORDER BY table_name, ordinal_position"
    ).fetchall()
    schemas: dict[str, list[str]] = {}
    for table, column, duckdb_type in columns:
        schemas.setdefault(table, []).append(f"`{column}` {spark_type(duckdb_type)}")
    for table in schemas:
        _write_table(connection, table, directory)
    written = {table: ", ".join(parts) for table, parts in schemas.items()}
    (directory / "tables.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


def spark_type(duckdb_type: str) -> str:
    """Return Spark's name for a column type of DuckDB's generators."""
    return re.sub("^VARCHAR.*", "STRING", duckdb_type.replace("INTEGER", "INT"))


def _write_table(connection: duckdb.DuckDBPyConnection, table: str, directory: Path) -> None:
    """Write `table` as one Parquet file, or as several of nearly equal row counts if it is large.

    A first file tells how well the rows compress; no estimate would hold for every table.
    """
    target = directory / table
    target.mkdir()
    rows = connection.table(table)
    whole = target / "part-000.parquet"
    _write_rows(rows, whole)
    file_count = min(_MOST_FILES, round(whole.stat().st_size / _FILE_BYTES))
    if file_count < 2:
        return
    row_count = rows.shape[0]
    bounds = [row_count * n // file_count for n in range(file_count + 1)]
    for n, (first, end) in enumerate(pairwise(bounds)):
        _write_rows(rows.limit(end - first, offset=first), target / f"part-{n:03}.parquet")


def _write_rows(rows: duckdb.DuckDBPyRelation, path: Path) -> None:
    rows.write_parquet(str(path), compression="snappy")


if __name__ == "__main__":
    main()
