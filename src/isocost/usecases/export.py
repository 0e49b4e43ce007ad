"""An experiment's name and a directory in; its four tables as Parquet files out."""

from collections.abc import Mapping
from pathlib import Path

from isocost.jobbank.parquet import exporting
from isocost.jobbank.rows import Tabulator
from isocost.jobbank.stage_rows import stage_rows
from isocost.store.base import Store
from isocost.usecases.report import NodeTypesOf, trial_records


def export(store: Store, name: str, node_types_of: NodeTypesOf, *, to: Path) -> Mapping[str, int]:
    """Write the tables and return how many rows each has.

    Trials are read and written one by one, as of one moment, so that memory does not grow with
    their number.

    Raises:
        NotFound: there is no experiment of this name.
        InvalidInput: `to` cannot be written, or holds something else.
        MissingDependency: pyarrow is not installed.
    """
    with store.transaction(read_only=True) as tx:
        plan = tx.experiment(name).plan
        tabulator = Tabulator(plan, node_types_of(plan))
        with exporting(to) as writer:
            for record in trial_records(tx, name, with_profiles=True):
                rows = tabulator.rows_of_trial(record)
                writer.add("trials", rows.trials)
                writer.add("runs", rows.runs)
                writer.add("predictions", rows.predictions)
                writer.add("stages", stage_rows(record))
    return writer.row_counts
