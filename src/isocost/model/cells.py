"""A history in; runs gathered by cluster, input size and epoch, as the posterior takes them, out.

Runs in one cell differ by noise alone, so their mean says all, and the posterior's cost grows with
what was tried rather than with how often: ten thousand runs of a settled project are a few cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import InvalidInput
from isocost.model.history import Ending, Inputs, Observation
from isocost.model.inputs import InputAxis, coordinates
from isocost.model.noise import CLUSTER_SD, DISTURBED_SD
from isocost.model.points import points_of
from isocost.model.posterior import Observed

# A run that was stopped would have gone on for e^0.4, half as long again: the mean of a Pareto
# tail of index 2.5, about that of the runtimes of one program over all clusters of Scout's data.
STOPPED_LOG_MORE: Final = 0.4
# Cells the posterior looks at. Its time grows with their cube.
MOST_CELLS: Final = 150
SAME_INPUT_LOG: Final = 0.02  # input sizes this close count as one


@dataclass(frozen=True, slots=True)
class Cell:
    """Runs of one cluster at about one input size and with the same inputs, in one epoch.

    Attributes:
        log_input: logarithm of the input size over the next run's.
        epoch: see `points`.
        log_s: of each run that says something; stopped runs with what they had still to go.
        is_sound: whether these succeeded undisturbed.
    """

    spec: ClusterSpec
    log_input: float
    epoch: int
    log_s: tuple[float, ...]
    is_sound: bool
    inputs: Inputs = ()


def cells_of(
    history: Sequence[Observation], epochs: Sequence[int], *, input_bytes: float | None
) -> list[Cell]:
    """Return the newest cells, in the order of their newest run.

    Args:
        history: oldest first; runs without a runtime say nothing here.
        epochs: of each run.
        input_bytes: of the next run.
    """
    grouped: dict[tuple[ClusterSpec, int, int, Inputs], list[Observation]] = {}
    for observation, epoch in zip(history, epochs, strict=True):
        if is_timed(observation):
            size = round(log_input_of(observation.input_bytes, input_bytes) / SAME_INPUT_LOG)
            key = observation.spec, size, epoch, tuple(sorted(observation.inputs))
            runs = grouped.pop(key, [])  # so that the newest come last
            runs.append(observation)
            grouped[key] = runs
    cells = [_cell(runs, key[2], input_bytes) for key, runs in grouped.items()]
    return [cells[place] for place in _places_to_keep([cell.spec for cell in cells])]


def _places_to_keep(specs: Sequence[ClusterSpec]) -> list[int]:
    """Return the newest place of each cluster, then the newest others, in their order.

    A project whose input varies has many cells of its best cluster; they must not crowd out what
    is known of the others.
    """
    newest = {spec: place for place, spec in enumerate(specs)}
    others = sorted(set(range(len(specs))) - set(newest.values()), reverse=True)
    ranked = [*sorted(newest.values(), reverse=True), *others]
    return sorted(ranked[:MOST_CELLS])


def observed_of(
    cells: Sequence[Cell],
    node_types: Sequence[NodeType],
    *,
    run_sd: float,
    axes: Sequence[InputAxis] = (),
) -> Observed:
    """Return cells as the posterior takes them.

    Args:
        cells: one or more.
        node_types: of their clusters.
        run_sd: of log runtime between runs of one cluster.
        axes: along which the inputs vary.
    """
    sds = [run_sd if cell.is_sound else max(run_sd, DISTURBED_SD) for cell in cells]
    return Observed(
        points=points_of(
            [cell.spec for cell in cells],
            node_types,
            [cell.log_input for cell in cells],
            epoch=[cell.epoch for cell in cells],
            inputs=coordinates(axes, [cell.inputs for cell in cells]),
        ),
        log_s=np.array([fmean(cell.log_s) for cell in cells]),
        noise_variance=np.array([
            sd**2 / len(cell.log_s) + CLUSTER_SD**2 for sd, cell in zip(sds, cells, strict=True)
        ]),
    )


def is_timed(observation: Observation) -> bool:
    """Return whether a run says something of the runtime: it succeeded, or was stopped."""
    return observation.runtime_s is not None and observation.ending is not Ending.FAILED


def newest_input_bytes(history: Sequence[Observation]) -> float | None:
    """Return how much the newest run read of which that is known."""
    return next((o.input_bytes for o in reversed(history) if o.input_bytes), None)


def newest_inputs(history: Sequence[Observation]) -> Inputs:
    """Return the inputs of the newest run of which any are known."""
    return next((o.inputs for o in reversed(history) if o.inputs), ())


def _cell(runs: Sequence[Observation], epoch: int, input_bytes: float | None) -> Cell:
    sound = [o for o in runs if not o.is_disturbed and o.ending is Ending.SUCCEEDED]
    kept = sound or runs
    return Cell(
        spec=runs[-1].spec,
        log_input=fmean(log_input_of(o.input_bytes, input_bytes) for o in kept),
        epoch=epoch,
        log_s=tuple(_log_s(o) for o in kept),
        is_sound=bool(sound),
        inputs=runs[-1].inputs,
    )


def log_input_of(input_bytes: float | None, reference_bytes: float | None) -> float:
    """Return the logarithm of an input size over another; 0.0 where either is not known."""
    if not input_bytes or not reference_bytes:
        return 0.0
    return log(input_bytes / reference_bytes)


def _log_s(observation: Observation) -> float:
    if observation.runtime_s is None:
        raise InvalidInput(f"Run {observation.run_id} has no runtime.")
    is_stopped = observation.ending is Ending.TIMED_OUT
    return log(observation.runtime_s) + (STOPPED_LOG_MORE if is_stopped else 0.0)
