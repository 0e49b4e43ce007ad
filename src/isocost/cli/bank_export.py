"""`isocost bank export`: an experiment's tables, to be taken away."""

import os
from pathlib import Path
from typing import Annotated

import typer

from isocost.cli.console import OUT, print_json
from isocost.settings import read_settings
from isocost.usecases.export import export as export_tables
from isocost.wiring import node_types_of, open_store


def export(
    experiment: Annotated[str, typer.Argument(help="Its name.")],
    *,
    to: Annotated[Path, typer.Option(help="A new directory, or one of an earlier export.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write an experiment as Parquet tables: trials, runs, predictions and stages.

    All four files appear at once, or none. DuckDB, pandas and Spark read them.

    Example: isocost bank export nightly --to tables
    """
    settings = read_settings(os.environ)
    store = open_store(settings)
    try:
        counts = export_tables(store, experiment, lambda p: node_types_of(p, settings), to=to)
    finally:
        store.close()
    if json:
        print_json({"experiment": experiment, "directory": str(to), "row_counts": dict(counts)})
        return
    told = ", ".join(f"{table} {count:,}" for table, count in counts.items())
    OUT.print(f"Wrote to {to}: {told} rows.", highlight=False, soft_wrap=True)
