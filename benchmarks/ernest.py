"""Ernest, the yardstick: a runtime as a non-negative sum of four functions of machines and data.

    runtime = θ0 + θ1 · size / machines + θ2 · log machines + θ3 · machines,   θ ≥ 0

Serial work, parallel work, tree-shaped and all-to-one communication, fitted by non-negative least
squares (Venkataraman et al., "Ernest: Efficient Performance Prediction for Large-Scale Advanced
Analytics", NSDI 2016, section 3). Nothing of it is tuned here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ernest:
    """A fitted model.

    Attributes:
        theta: (4,), in seconds per unit of each function; none below 0.
    """

    theta: Floats

    def predict(self, scale_out: Sequence[float], size: Sequence[float]) -> Floats:
        """Return runtimes in seconds, (points,), for machine counts and data sizes."""
        return _functions(scale_out, size) @ self.theta


def ernest_fit(
    scale_out: Sequence[float], size: Sequence[float], runtime_s: Sequence[float]
) -> Ernest:
    """Return the model fitted to runs.

    Args:
        scale_out: machines (or cores) of each run, at least 1.
        size: data of each run, in any unit; 1.0 throughout where it never changes.
        runtime_s: of each run.

    Raises:
        ValueError: if there is no run, or the lengths differ.
    """
    if not len(runtime_s) or not len(scale_out) == len(size) == len(runtime_s):
        raise ValueError(
            f"Ernest needs as many machine counts ({len(scale_out)}) and sizes ({len(size)}) as "
            f"runtimes ({len(runtime_s)}), and at least one of each."
        )
    theta, _ = nnls(_functions(scale_out, size), np.asarray(runtime_s, dtype=np.float64))
    return Ernest(theta)


def _functions(scale_out: Sequence[float], size: Sequence[float]) -> Floats:
    """Return (points, 4)."""
    machines = np.asarray(scale_out, dtype=np.float64)
    data = np.asarray(size, dtype=np.float64)
    return np.column_stack([np.ones_like(machines), data / machines, np.log(machines), machines])
