"""Log ratios of observed over replayed runtimes in, the correction of the next replay out.

The replay knows nothing of what spark tasks share: more slots compete for disks, network and
memory bandwidth, more executors each warm up their own JVM, and less memory spills. So for a
candidate c replayed from run k

    log runtime(c) = log replay_k(c) + x · β + ε,
    x = (share · log busy-slot ratio, share · log executor ratio, log memory ratio)

where `share` is the part of the runtime in which spark tasks ran, and slots count as far as the
replay keeps them busy. β and the noise are learned from
the project's own runs by conjugate (normal-inverse-gamma) regression, so the predictive is a
Student t: wide after one run, narrow once the project has shown how it behaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit  # scipy.stats has the same and takes 0.5 s to import

Floats = npt.NDArray[np.float64]

# Growth of spark task time per e-fold of slots, from two measured sets. Decima's TPC-H traces, q1
# to 14 at 2 to 100 GB: 0.02 to 0.11 between 2 and 10 executors, 0.06 to 0.29 between 10 and 40.
# A standalone cluster of m4 and m5 instances, 1 to 2 cores or workers: speed-ups of 1.32 to 1.62,
# which are slopes of 0.60 to 0.30. The mean lies between the sets, the width covers both.
SLOT_GROWTH_MEAN: Final = 0.2
SLOT_GROWTH_SD: Final = 0.2
# As many slots in more executors. Its sign depends on the platform: executors on machines of their
# own bring their own disks and whole cores (slopes of -0.1 to -0.4 between 1 to 4 workers with as
# many cores in all, measured on m4 and m5 instances), executors on one machine bring a JVM more to
# warm up. So nothing is assumed of the sign, and the width admits both.
EXECUTOR_GROWTH_MEAN: Final = 0.0
EXECUTOR_GROWTH_SD: Final = 0.20
# Likewise for more memory.
MEMORY_GROWTH_MEAN: Final = 0.0
MEMORY_GROWTH_SD: Final = 0.10
# Repeats of one configuration: 1.6 % robust sd in the C3O data set, about 5 % on the shared
# machines behind the Scout data set. 4 degrees of freedom: worth four runs, then outvoted.
NOISE_SD: Final = 0.05
NOISE_DOF: Final = 4.0

_MEAN: Final = np.array([SLOT_GROWTH_MEAN, EXECUTOR_GROWTH_MEAN, MEMORY_GROWTH_MEAN])
_SD: Final = np.array([SLOT_GROWTH_SD, EXECUTOR_GROWTH_SD, MEMORY_GROWTH_SD])
_PRECISION: Final = np.diag((NOISE_SD / _SD) ** 2)


@dataclass(frozen=True, slots=True)
class LogStudentT:
    """A positive quantity whose logarithm follows a shifted and scaled Student t."""

    location: float
    scale: float
    dof: float

    @property
    def median(self) -> float:
        """The value that half of the probability lies below."""
        return float(np.exp(self.location))

    def quantile(self, probability: float) -> float:
        """Return the value that `probability` of the mass lies below."""
        return float(np.exp(self.location + self.scale * stdtrit(self.dof, probability)))

    def probability_below(self, value: float) -> float:
        """Return P(quantity ≤ value) for a positive value."""
        return float(stdtr(self.dof, (np.log(value) - self.location) / self.scale))


@dataclass(frozen=True, slots=True)
class Step:
    """The way from the runs a candidate is predicted from to the candidate.

    Attributes:
        log_s: logarithm of the replayed runtime in seconds, averaged over these runs.
        features: (3,), x above.
        log_sd: how far the replay itself may be off.
        base_count: how many runs there are.
    """

    log_s: float
    features: Floats
    log_sd: float
    base_count: int


@dataclass(frozen=True, slots=True)
class Growth:
    """The posterior over β and the noise.

    Attributes:
        mean: (3,) of β.
        precision: (3, 3), in units of the noise variance.
        dof, noise_variance: of the inverse gamma.
    """

    mean: Floats
    precision: Floats
    dof: float
    noise_variance: float

    def corrected(self, step: Step) -> LogStudentT:
        """Return the runtime of the candidate that a step leads to.

        The candidate's own noise, that of the runs it is predicted from, and what is not known of
        β and of the replay add up.
        """
        spread = float(step.features @ np.linalg.solve(self.precision, step.features))
        noise = self.noise_variance * (1.0 + 1.0 / step.base_count + spread)
        return LogStudentT(
            location=float(step.log_s + step.features @ self.mean),
            scale=float(np.sqrt(noise + step.log_sd**2)),
            dof=self.dof,
        )


def learn_growth(
    features: Sequence[Floats], log_ratios: Sequence[float], base_counts: Sequence[int]
) -> Growth:
    """Return the posterior after some steps whose end was observed.

    Args:
        features: (3,) of each step.
        log_ratios: log(observed / replayed) of each; its noise is that of the run itself and of
            the runs it was replayed from.
        base_counts: from how many runs each step started.
    """
    if not log_ratios:
        return Growth(_MEAN, _PRECISION, NOISE_DOF, NOISE_SD**2)
    weight = np.sqrt(1.0 / (1.0 + 1.0 / np.asarray(base_counts, dtype=np.float64)))
    x = np.vstack(features) * weight[:, None]
    y = np.asarray(log_ratios) * weight
    precision = _PRECISION + x.T @ x
    mean = np.linalg.solve(precision, _PRECISION @ _MEAN + x.T @ y)
    dof = NOISE_DOF + len(y)
    misfit = y @ y + _MEAN @ _PRECISION @ _MEAN - mean @ precision @ mean
    scatter = NOISE_DOF * NOISE_SD**2 + max(0.0, float(misfit))
    return Growth(mean, precision, dof, scatter / dof)
