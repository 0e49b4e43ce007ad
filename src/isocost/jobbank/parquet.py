"""Rows in, Parquet files out and back again; all four files of an experiment, or none."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isocost.errors import InvalidInput, MissingDependency
from isocost.jobbank.tables import TABLES, Row, columns_of

if TYPE_CHECKING:
    import pyarrow as pa

FILES: Final[Mapping[str, str]] = {table: f"{table}.parquet" for table in TABLES}
_AT_ONCE: Final = 20_000  # rows kept before they are written: some 20 MB, and a good row group


class TableWriter:
    """Takes rows table by table and appends them to the files of one directory."""

    def __init__(self, directory: Path, *, to: Path) -> None:
        """Open a file for each table; raises MissingDependency without pyarrow.

        Args:
            directory: of the files.
            to: where they will go, for messages.
        """
        parquet = _pyarrow_parquet()
        self._to = to
        self._schemas = {name: _schema(row) for name, row in TABLES.items()}
        self._waiting: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._writers = {
            name: parquet.ParquetWriter(directory / FILES[name], schema, compression="zstd")
            for name, schema in self._schemas.items()
        }
        self.row_counts = dict.fromkeys(TABLES, 0)

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Append rows to a table; raises InvalidInput if they cannot be written."""
        waiting = self._waiting[table]
        waiting.extend(rows)
        if len(waiting) >= _AT_ONCE:
            self._write(table)

    def close(self) -> None:
        """Write what is left and finish the files."""
        for table, writer in self._writers.items():
            self._write(table)
            with _writing(self._to):
                writer.close()

    def discard(self) -> None:
        """Write nothing more; for files that will be removed."""
        for writer in self._writers.values():
            # Else its destructor would try once more to write to the disk that is full.
            writer.is_open = False

    def _write(self, table: str) -> None:
        import pyarrow as pa

        rows, self._waiting[table] = self._waiting[table], []
        self.row_counts[table] += len(rows)
        schema = self._schemas[table]
        arrays = [
            pa.array([getattr(row, field.name) for row in rows], type=field.type)
            for field in schema
        ]
        with _writing(self._to):
            self._writers[table].write_table(pa.Table.from_arrays(arrays, schema=schema))


@contextmanager
def exporting(to: Path) -> Iterator[TableWriter]:
    """Open a writer whose files appear in `to` when the block ends well, and else leave no trace.

    They are written beside it and moved in one step, so nobody ever sees some of them. An earlier
    export in `to` is replaced.

    Raises:
        InvalidInput: `to` holds something else, or cannot be written.
        MissingDependency: pyarrow is not installed.
    """
    target = to.resolve()
    _check_target(target)
    _pyarrow_parquet()
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    writer = None
    try:
        with _writing(target):
            writer = TableWriter(made, to=target)
        yield writer
        writer.close()
        with _writing(target):
            _put_in_place(made, target)
    finally:
        if writer is not None:
            writer.discard()
        shutil.rmtree(made, ignore_errors=True)


def _put_in_place(made: Path, target: Path) -> None:
    # A directory made for one user only, as temporary ones are, would be of no use to others.
    made.chmod(0o755)
    if not target.exists():
        made.rename(target)
        return
    # A directory can only be renamed onto an empty one: the old export steps aside first. Whoever
    # dies in between leaves it whole, under the other name.
    aside = made.with_name(f"{made.name}-old")
    target.rename(aside)
    made.rename(target)
    shutil.rmtree(aside)


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    found = sorted(each.name for each in target.iterdir()) if target.is_dir() else None
    if found is None:
        raise InvalidInput(f"{target} is a file. Name a directory for the tables.")
    others = [name for name in found if name not in FILES.values()]
    if others:
        raise InvalidInput(
            f"{target} holds {others[0]}, which is no table of an experiment; an export replaces "
            "the whole directory. Name a new one."
        )


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"The tables cannot be written to {target}: {error.strerror or error}. Nothing was "
            "left there. Name a directory that can be written, on a disk with room."
        ) from error


def _schema(row: type[Row]) -> "pa.Schema":
    import pyarrow as pa

    kinds = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
        datetime: pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([
        pa.field(
            column.name,
            kinds[column.kind],
            nullable=column.is_nullable,
            metadata={"meaning": column.meaning},
        )
        for column in columns_of(row)
    ])


def _pyarrow_parquet() -> Any:  # noqa: ANN401  pyarrow has no types
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency(
            "Parquet tables need pyarrow, which is not installed. Run: pip install "
            "'isocost[parquet]'"
        ) from error
    return parquet
