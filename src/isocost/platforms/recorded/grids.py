"""CSV files of measured runs in; workloads with every cluster they were measured on out."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.grid import GridCell, GridRun, GridWorkload
from isocost.errors import InvalidInput, NotFound
from isocost.platforms.recorded.rows import REQUIRED, STOPPED, SUCCEEDED, GridRow, row_from

# Scout's time limit (Hsu et al., ICDCS 2018, whose runs the first grid holds): a failed run whose
# runtime nobody wrote down is charged it, or the workload's longest runtime if that is longer.
CHARGED_FAILURE_S: Final = 7200.0

# Runs of one workload and cluster are repetitions if their inputs are this alike: generated data
# of the same settings differ by a few bytes in a thousand.
SAME_INPUT_RATIO: Final = 1.05

KnownTypes = Mapping[str, NodeType]


def _ignore(message: str) -> None:
    """Tell nobody."""


def read_grids(
    paths: Sequence[Path], known: KnownTypes, *, tell: Callable[[str], None] = _ignore
) -> tuple[GridWorkload, ...]:
    """Return the workloads of all files, each with its own prices, in the order of the files.

    A workload of which no run succeeded is left out, unless there is no other in its file.

    Args:
        paths: CSV files with at least the columns of `rows.REQUIRED`.
        known: node types by instance type, for what no grid says: CPU speed, network and disks.
        tell: told of each workload that is left out.

    Raises:
        NotFound: if a file is not there.
        InvalidInput: if a file cannot be used; the message names the line.
    """
    found = [(path.stem, w) for path in paths for w in _workloads_of(path, known, tell)]
    times = Counter(workload.name for _, workload in found)
    named = tuple(
        workload if times[workload.name] == 1 else _renamed(workload, stem)
        for stem, workload in found
    )
    twice = [name for name, count in Counter(w.name for w in named).items() if count > 1]
    if twice:
        raise InvalidInput(
            f"Workload {twice[0]!r} is in two --grid files of one name. Give each file once, and "
            "files of different content different names."
        )
    return named


def _renamed(workload: GridWorkload, stem: str) -> GridWorkload:
    name = f"{stem}/{workload.name}"
    return GridWorkload(name, workload.program, workload.node_types, workload.cells)


def _workloads_of(
    path: Path, known: KnownTypes, tell: Callable[[str], None]
) -> list[GridWorkload]:
    by_workload: dict[str, list[GridRow]] = {}
    for row in _priced(_rows(path)):
        by_workload.setdefault(row.workload, []).append(row)
    if not by_workload:
        raise InvalidInput(f"{path} holds no run. Pass --grid a file with at least one line.")
    usable = {name: rows for name, rows in by_workload.items() if _has_success(rows)}
    for name in by_workload.keys() - usable.keys() if usable else ():
        tell(f"{path}: no run of workload {name!r} succeeded, so it is left out.")
    return [_workload(rows, known) for rows in (usable or by_workload).values()]


def _has_success(rows: Sequence[GridRow]) -> bool:
    return any(row.status == SUCCEEDED for row in rows)


def _rows(path: Path) -> list[GridRow]:
    try:
        # utf-8-sig: spreadsheets put a byte-order mark in front.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_parsed(csv.reader(file), path))
    except FileNotFoundError as error:
        raise NotFound(f"--grid {path}: there is no such file.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"--grid {path} cannot be read as CSV: {error}.") from error


def _parsed(reader: Iterable[list[str]], path: Path) -> Iterable[GridRow]:
    columns: list[str] | None = None
    for line, cells in enumerate(reader, start=1):
        if columns is None:
            columns = _header(cells, path)
        elif any(cells):
            if len(cells) != len(columns):
                raise InvalidInput(
                    f"{path}, line {line}: {len(cells)} cells under {len(columns)} columns. "
                    "Correct the line."
                )
            stripped = (cell.strip() for cell in cells)
            yield row_from(dict(zip(columns, stripped, strict=True)), path, line)


def _header(cells: Sequence[str], path: Path) -> list[str]:
    columns = [cell.strip() for cell in cells]
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InvalidInput(
            f"{path}, line 1: no column {', '.join(map(repr, missing))}. A grid has the columns "
            f"{', '.join(REQUIRED)}."
        )
    return columns


def _workload(rows: Sequence[GridRow], known: KnownTypes) -> GridWorkload:
    node_types = _node_types(rows, known)
    usd_per_hour = {t.node_type_id: t.usd_per_hour for t in node_types}
    measured = [row.runtime_s for row in rows if row.runtime_s is not None]
    charge_s = max([CHARGED_FAILURE_S, *measured])
    by_spec: dict[ClusterSpec, list[GridRow]] = {}
    for row in rows:
        by_spec.setdefault(ClusterSpec(row.instance_type, row.node_count), []).append(row)
    cells = tuple(
        GridCell(
            spec,
            usd_per_hour[spec.node_type_id] * spec.worker_count,
            tuple(_run(row, charge_s) for row in _repetitions(spec, repeated)),
        )
        for spec, repeated in by_spec.items()
    )
    return GridWorkload(rows[0].workload, rows[0].program, node_types, cells)


def _run(row: GridRow, charge_s: float) -> GridRun:
    return GridRun(
        runtime_s=charge_s if row.runtime_s is None else row.runtime_s,
        is_failed=row.status != SUCCEEDED,
        is_timed_out=row.status in STOPPED,
        input_bytes=row.input_bytes,
        working_set_gib=row.working_set_gib,
    )


def _priced(rows: Sequence[GridRow]) -> list[GridRow]:
    """Return the rows with their prices; one left blank, as of failed runs, is another line's."""
    by_workload: dict[tuple[str, str], float] = {}
    by_type: dict[str, float] = {}
    for row in rows:
        if row.usd_per_node_hour is not None:
            by_workload.setdefault((row.workload, row.instance_type), row.usd_per_node_hour)
            by_type.setdefault(row.instance_type, row.usd_per_node_hour)
    return [_with_price(row, by_workload, by_type) for row in rows]


def _with_price(
    row: GridRow, by_workload: Mapping[tuple[str, str], float], by_type: Mapping[str, float]
) -> GridRow:
    if row.usd_per_node_hour is not None:
        return row
    usd = by_workload.get((row.workload, row.instance_type), by_type.get(row.instance_type))
    if usd is None:
        raise InvalidInput(
            f"{row.where}: no line gives a price of {row.instance_type}, so the cheapest cluster "
            f"of {row.workload!r} is not known. Fill in the column usd_per_node_hour, or leave "
            "the file out."
        )
    return replace(row, usd_per_node_hour=usd)


def _node_types(rows: Sequence[GridRow], known: KnownTypes) -> tuple[NodeType, ...]:
    """Return the rows' node types, cheapest first; all rows of one type have to say the same."""
    first: dict[str, GridRow] = {}
    for row in rows:
        seen = first.setdefault(row.instance_type, row)
        if not _is_same_node(seen, row):
            raise InvalidInput(
                f"{row.where}: {row.instance_type} differs in its price, cores or memory per node "
                f"from what {seen.where} says. Make them equal."
            )
    found = [_node_type(row, known.get(name)) for name, row in first.items()]
    return tuple(sorted(found, key=lambda t: (t.usd_per_hour, t.node_type_id)))


def _is_same_node(a: GridRow, b: GridRow) -> bool:
    # Memory is a sum over the nodes in the file, rounded there.
    is_same_memory = abs(a.memory_gib - b.memory_gib) <= 0.01 * a.memory_gib
    return (a.cores, a.usd_per_node_hour) == (b.cores, b.usd_per_node_hour) and is_same_memory


def _node_type(row: GridRow, known: NodeType | None) -> NodeType:
    measured = NodeType(row.instance_type, row.cores, row.memory_gib, row.usd_per_node_hour or 0.0)
    if known is None or known.cores != row.cores:  # another machine of the same name
        return measured
    return replace(
        measured,
        coremark=known.coremark,
        network_gbps=known.network_gbps,
        local_disk_gib=known.local_disk_gib,
        local_disk_count=known.local_disk_count,
        architecture=known.architecture,
    )


def _repetitions(spec: ClusterSpec, rows: Sequence[GridRow]) -> Sequence[GridRow]:
    """Return the rows of one cluster; raises InvalidInput if they are of different inputs."""
    first = rows[0]
    for row in rows[1:]:
        if row.input != first.input or not _is_alike(row.input_bytes, first.input_bytes):
            raise InvalidInput(
                f"{row.where}: {row.workload!r} ran on {spec} with another input than in "
                f"{first.where}. A policy is measured on one input at a time: give each input its "
                "own name in the column workload."
            )
    return rows


def _is_alike(a: float | None, b: float | None) -> bool:
    if a is None or b is None:  # a failed run often does not know its input
        return True
    return max(a, b) <= SAME_INPUT_RATIO * min(a, b)
