"""Inputs of runs by name in, the axes along which they vary and runs' coordinates on these out.

What an input means is read off its values, never its name. Numbers above 0 go by their logarithm,
since runtimes follow powers of sizes and counts; shares between 0 and 1, and whatever reaches 0
or below, go as they are. An input in proportion to the input size, or to another input, says
nothing of its own and gets no axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.model.history import Inputs
from isocost.model.points import Floats

# Log runtime over log input: not at all for an argument without consequence, in proportion for
# one that repeats or widens the work; beside a known input size mostly in between.
ARGUMENT_SLOPE: Final = (0.3, 0.4)
# An argument far below 1 is a tolerance. Methods that gain a constant factor per iteration need
# log 1/ε of them, so the slope is -1 / log 1/ε: -0.2 to -0.1 for ε from 1e-2 to 1e-4.
TOLERANCE_SLOPE: Final = (-0.15, 0.4)
MOST_TOLERANCE: Final = 0.1
# Over its whole reach, an input that goes as it is may change the runtime e-fold, either way.
LINEAR_SLOPE: Final = (0.0, 1.0)
# Over how much of an axis runtimes look alike: an e-fold, as for cores; most of the reach.
LOG_LENGTH: Final = 1.0
LINEAR_LENGTH: Final = 0.7
# How closely a product of powers of the inputs gives the input size, where it does.
SIZE_UNEXPLAINED_SD: Final = 0.1
# Logarithms this close are the same but for rounding.
SAME_LOG: Final = 0.02


@dataclass(frozen=True, slots=True)
class InputAxis:
    """One input that varies.

    Attributes:
        is_log: whether its logarithm counts.
        unit: what it is divided by before; 1.0 for logarithms and shares.
        least: the smallest value known; logarithms of less are not taken.
        origin: the next run's coordinate.
        slope: mean and sd of log runtime over a coordinate.
        length: over which runtimes are expected to look alike.
    """

    name: str
    is_log: bool
    unit: float
    least: float
    origin: float
    slope: tuple[float, float]
    length: float

    def coordinate(self, value: float) -> float:
        """Return where a value lies, 0.0 at the next run's."""
        if self.is_log:
            return float(np.log(max(value, self.least))) - self.origin
        return value / self.unit - self.origin


def axes_of(
    inputs: Sequence[Inputs], log_input: Sequence[float], *, newest: Inputs
) -> tuple[InputAxis, ...]:
    """Return the axes along which inputs vary, by name.

    Args:
        inputs: of runs.
        log_input: logarithm of each run's input size over the next run's.
        newest: inputs of the next run.
    """
    rows = [dict(row) for row in (*inputs, newest)]
    sizes = np.array([*log_input, 0.0])
    axes: list[InputAxis] = []
    taken = [sizes]
    for name in sorted({name for row in rows for name in row}):
        known = np.array([row.get(name, np.nan) for row in rows])
        if len(np.unique(known[~np.isnan(known)])) < 2:
            continue
        axis = _axis(name, known)
        column = np.array([np.nan if np.isnan(v) else axis.coordinate(v) for v in known])
        if axis.is_log and any(_is_proportional(column, other) for other in taken):
            continue
        axes.append(axis)
        taken += [column] if axis.is_log else []
    shares = _shares_of_size(coordinates(axes, inputs), np.array(log_input))
    return tuple(
        replace(axis, slope=((1.0 - float(share)) * axis.slope[0], axis.slope[1]))
        for axis, share in zip(axes, shares, strict=True)
    )


def coordinates(axes: Sequence[InputAxis], inputs: Sequence[Inputs]) -> Floats:
    """Return (runs, axes); where an input is not known, it is taken to be the next run's."""
    found = np.zeros((len(inputs), len(axes)))
    for place, row in enumerate(inputs):
        known = dict(row)
        for column, axis in enumerate(axes):
            if axis.name in known:
                found[place, column] = axis.coordinate(known[axis.name])
    return found


def _shares_of_size(x: Floats, log_input: Floats) -> Floats:
    """Return how much of the input size follows each input, (axes,): 1.0 if in proportion.

    Elasticities by least squares, with a normal prior: the size of the input counts for itself,
    and what makes it larger should not count twice.

    Args:
        x: (runs, axes).
        log_input: (runs,).
    """
    apart, sizes = x - x.mean(axis=0), log_input - log_input.mean()
    gram = apart.T @ apart + SIZE_UNEXPLAINED_SD**2 * np.eye(x.shape[1])
    return np.clip(np.linalg.solve(gram, apart.T @ sizes), 0.0, 1.0)


def _axis(name: str, values: Floats) -> InputAxis:
    """Return the axis of one input; its newest known value, the last one, is the origin."""
    known = values[~np.isnan(values)]
    least, most, newest = float(known.min()), float(known.max()), float(known[-1])
    if least > 0 and not MOST_TOLERANCE < most <= 1:
        slope = TOLERANCE_SLOPE if most <= MOST_TOLERANCE else ARGUMENT_SLOPE
        return InputAxis(name, True, 1.0, least, float(np.log(newest)), slope, LOG_LENGTH)
    unit = max(1.0, float(np.abs(known).max()))
    return InputAxis(name, False, unit, least, newest / unit, LINEAR_SLOPE, LINEAR_LENGTH)


def _is_proportional(a: Floats, b: Floats) -> bool:
    apart = a - b
    known = apart[~np.isnan(apart)]
    return bool(len(known) and np.ptp(known) <= SAME_LOG)
