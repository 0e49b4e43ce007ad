"""`isocost bank export`: an experiment's tables, to be taken away."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from isocost.cli.console import OUT, print_json
from isocost.cli.experiment_view import show_note
from isocost.domain.cluster import NodeType
from isocost.domain.experiment import ExperimentPlan
from isocost.jobbank.reached import reached, reached_json
from isocost.settings import read_settings
from isocost.usecases.compare import REFERENCE_SUFFIX, measured_as, write_reference
from isocost.usecases.export import export as export_tables
from isocost.usecases.orchestrate import standing_of
from isocost.wiring import node_types_of, open_store


def export(
    experiment: Annotated[str, typer.Argument(help="Its name.")],
    *,
    to: Annotated[
        Path,
        typer.Option(
            help="A new directory, or one of an earlier export. FILE.json instead keeps, as text, "
            "what `bank compare` needs of the experiment."
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write an experiment as Parquet tables: trials, runs, predictions and stages.

    All four files appear at once, or none. DuckDB, pandas and Spark read them.

    Example: isocost bank export nightly --to tables
    """
    settings = read_settings(os.environ)

    def types_of(plan: ExperimentPlan) -> Sequence[NodeType]:
        return node_types_of(plan, settings)

    store = open_store(settings)
    try:
        if to.suffix == REFERENCE_SUFFIX:
            reference = measured_as(store, experiment, types_of)
            write_reference(to, reference)
            counts: Mapping[str, int] = {"trials": len(reference.trials)}
        else:
            counts = export_tables(store, experiment, types_of, to=to)
        standing = standing_of(store, experiment)
    finally:
        store.close()
    far = reached(standing.experiment, standing.counts)
    if json:
        written = {"path": str(to), "row_counts": dict(counts)}
        print_json({"experiment": experiment, "trials": reached_json(far), **written})
        return
    told = ", ".join(f"{table} {count:,}" for table, count in counts.items())
    OUT.print(f"Wrote to {to}: {told} rows.", highlight=False, soft_wrap=True)
    show_note(far)
