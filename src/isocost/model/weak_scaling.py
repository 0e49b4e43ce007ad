"""Runs of one program on inputs of several sizes in; its runtime on other executor counts out.

As much data per executor is as much work per executor, and fills as much of its memory, on however
many executors. So runs on a few executors with little data show what many do with much:

    runtime(E, s) = driver + (1 + c E) · exp(h(log s/E))

with c what executors cost each other in all, fetching included, and h a curve that the program's
own runs draw: a Gaussian process about a straight line, which may bend where the data no longer
fits into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import cho_solve

from isocost.errors import InvalidInput
from isocost.model.growth import NOISE_SD, Floats, LogNormal

# Geometric mean of what fits single programs best, each from runs with as much data per executor
# on 2 to 12 of them: 0.0005, 0.11 and 0.17 for C3O's sgd, grep and sort, 0.005 and 0.016 for
# Gibilisco's logistic regression and connected components; and 0.05 for UDAO's TPCx-BB templates.
USUAL_CONTENTION: Final = 0.018
# Twice the data per executor is twice the work, unless parts of it are fixed or caches overflow:
# C3O's five programs have log-log slopes from 0.3 to 1.1 over the whole runtime.
SLOPE_MEAN: Final = 1.0
SLOPE_SD: Final = 0.3
# A working set that stops fitting makes runs 1.5 times longer at the median of Scout's jobs, over
# about one e-fold of memory.
BEND_SD: Final = 0.3
BEND_LENGTH: Final = 1.0
# Nothing is assumed of how fast the program is: ± 4 e-folds.
LEVEL_SD: Final = 4.0
_SQRT_5: Final = float(np.sqrt(5.0))


@dataclass(frozen=True, slots=True)
class SizedRun:
    """One run.

    Attributes:
        size: of the input, in any unit that all runs share.
        driver_s: time in which no stage ran.
    """

    executor_count: int
    size: float
    runtime_s: float
    driver_s: float = 0.0

    def __post_init__(self) -> None:
        if not (self.size > 0 and 0 <= self.driver_s < self.runtime_s and self.executor_count > 0):
            raise InvalidInput(
                f"A run of {self.runtime_s} s, {self.driver_s} s of it without a stage, on "
                f"{self.executor_count} executors with an input of {self.size} says nothing of "
                "scaling. Sizes are above 0 and a runtime is longer than its driver time."
            )


class WeakScaling:
    """Predicts one program's runtime; immutable once made."""

    def __init__(self, runs: Sequence[SizedRun], contention: float = USUAL_CONTENTION) -> None:
        """Draw the curve.

        Args:
            runs: on any executor counts.
            contention: c; runs on one executor count alone do not tell it.

        Raises:
            InvalidInput: if there is no run.
        """
        if not runs:
            raise InvalidInput("A curve over input sizes needs at least one run. Run it once.")
        self._contention = contention
        self._driver_s = float(np.median([run.driver_s for run in runs]))
        counts = np.array([run.executor_count for run in runs], dtype=np.float64)
        x = np.log(np.array([run.size for run in runs]) / counts)
        self._middle = float(x.mean())
        self._x = x - self._middle
        worked_s = np.array([run.runtime_s - run.driver_s for run in runs])
        self._y = np.log(worked_s) - np.log1p(contention * counts) - SLOPE_MEAN * self._x
        noise = NOISE_SD**2 * np.eye(len(runs))
        self._root = np.linalg.cholesky(_covariance(self._x, self._x) + noise)
        self._weights: Floats = cho_solve((self._root, True), self._y)

    @property
    def log_evidence(self) -> float:
        """Logarithm of the density of the observed runtimes, up to a constant."""
        return float(-0.5 * self._y @ self._weights - np.log(np.diag(self._root)).sum())

    def runtime_s(self, executor_count: int, size: float) -> tuple[float, LogNormal]:
        """Return the driver's seconds and the distribution of the seconds that stages take.

        The distribution includes the noise of one run, and nothing of what `contention` may be
        off; see `growth.GrowthLaw.log_sd`.
        """
        x = np.array([np.log(size / executor_count) - self._middle])
        across = _covariance(x, self._x)
        mean = (
            SLOPE_MEAN * x + across @ self._weights + np.log1p(self._contention * executor_count)
        )
        known = across @ cho_solve((self._root, True), across.T)
        variance = _covariance(x, x) - known + NOISE_SD**2
        return self._driver_s, LogNormal(float(mean[0]), float(np.sqrt(variance[0, 0])))

    def median_s(self, executor_count: int, size: float) -> float:
        """Return the runtime that half of the runs stay below."""
        driver_s, worked = self.runtime_s(executor_count, size)
        return driver_s + float(np.exp(worked.log_mean))


def _covariance(a: Floats, b: Floats) -> Floats:
    scaled = _SQRT_5 * np.abs(a[:, None] - b[None, :]) / BEND_LENGTH
    bend = (1.0 + scaled + scaled * scaled / 3.0) * np.exp(-scaled)
    return np.asarray(LEVEL_SD**2 + SLOPE_SD**2 * np.outer(a, b) + BEND_SD**2 * bend)
