"""How far a run was from what was expected of it, and what explains that."""

from dataclasses import dataclass
from enum import StrEnum
from math import log


class CauseOfDeviation(StrEnum):
    """What can make a run take another time than expected."""

    DATA = "data"
    CODE = "code"
    RUNTIME_VERSION = "runtime_version"
    SPOT = "spot"
    PLATFORM = "platform"
    MODEL = "model"  # the prediction was wrong: the cluster behaves otherwise than thought
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Share:
    """One cause's part.

    Attributes:
        fraction: of the deviation, 0 to 1; the shares of a deviation sum to 1.
        log_ratio: by how much this cause made the logarithm of the runtime larger.
        detail: the numbers behind it, in one clause for people.
    """

    cause: CauseOfDeviation
    fraction: float
    log_ratio: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A run against its expectation.

    Attributes:
        expected_s: median of what was expected before the run, for input as usual.
        actual_s: what it took.
        sds: distance in standard deviations of the expectation, of log runtime.
        is_anomaly: further from the expectation than its 95 % interval, or of a known cause.
        shares: the largest first; empty where the run is as expected.
    """

    expected_s: float
    actual_s: float
    sds: float
    is_anomaly: bool
    shares: tuple[Share, ...] = ()

    @property
    def expected_sd(self) -> float | None:
        """Of the expectation, in log runtime; None of a run that took just what was expected.

        One that failed is held against what it read and ran, so its time tells nothing of this.
        """
        return log(self.actual_s / self.expected_s) / self.sds if self.sds else None

    @property
    def main_cause(self) -> CauseOfDeviation | None:
        """The cause with the largest share; None for a run as expected."""
        return self.shares[0].cause if self.is_anomaly and self.shares else None
