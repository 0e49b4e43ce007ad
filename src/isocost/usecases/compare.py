"""Names of two experiments, or files that hold one's measures, in; their comparison out."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from isocost.errors import InvalidInput, NotFound
from isocost.jobbank.analysis.comparison import Comparison, compare
from isocost.jobbank.analysis.measures import Measured, measured
from isocost.jobbank.rows import rows_of
from isocost.store.base import Store
from isocost.usecases.report import NodeTypesOf, experiment_record

REFERENCE_SUFFIX: Final = ".json"


def compare_experiments(
    store: Store, names: tuple[str, str], node_types_of: NodeTypesOf, *, policy: str | None = None
) -> Comparison:
    """Return how the second experiment differs from the first.

    Args:
        store: where experiments are.
        names: of the two; either may be the path of a file that `write_reference` made.
        node_types_of: what can be rented on the platform of a plan.
        policy: only its trials are compared; None for all.

    Raises:
        NotFound: there is no such experiment or file.
        InvalidInput: they cannot be compared, or a file holds something else.
    """
    found = [measured_as(store, name, node_types_of) for name in names]
    first, second = (_only(each, policy) for each in found)
    return compare(first, second)


def measured_as(store: Store, name: str, node_types_of: NodeTypesOf) -> Measured:
    """Return what an experiment is compared by, from the store or a file; see above."""
    if name.endswith(REFERENCE_SUFFIX):
        return _read_reference(Path(name))
    return stored_measures(store, name, node_types_of)


def stored_measures(store: Store, name: str, node_types_of: NodeTypesOf) -> Measured:
    """Return what an experiment of the store is compared by; reads no file, whatever its name."""
    record = experiment_record(store, name, node_types_of)
    return measured(record.experiment, rows_of(record))


def write_reference(path: Path, reference: Measured) -> None:
    """Write an experiment's measures as text; raises InvalidInput if that is not possible."""
    text = msgspec.json.format(msgspec.json.encode(reference), indent=1)
    try:
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise InvalidInput(
            f"The measures cannot be written to {path}: {error.strerror}. Name a file in a "
            "directory that can be written."
        ) from error


def _read_reference(path: Path) -> Measured:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=Measured)
    except OSError as error:
        raise NotFound(
            f"{path} cannot be read: {error.strerror}. Name an experiment, or a file that "
            "`isocost bank export NAME --to FILE.json` wrote."
        ) from error
    except msgspec.MsgspecError as error:
        raise InvalidInput(
            f"{path} holds no measures of an experiment ({error}). Write it with "
            "`isocost bank export NAME --to FILE.json`."
        ) from error
    # Its experiment may well have the same name as the one that it is held against.
    return replace(kept, name=str(path))


def _only(each: Measured, policy: str | None) -> Measured:
    if policy is None:
        return each
    kept = tuple(trial for trial in each.trials if trial.policy == policy)
    if not kept:
        known = ", ".join(sorted({trial.policy for trial in each.trials})) or "no trials"
        raise InvalidInput(
            f"Experiment {each.name!r} has no trials of policy {policy!r}; it has {known}."
        )
    return replace(each, trials=kept)
