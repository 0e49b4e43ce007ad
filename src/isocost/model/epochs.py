"""A history in, for each run how many changes of the program lie between it and the next, out.

A new epoch begins where the event log names another plan or Spark version, and where two runs in
a row took so much longer, or less long, than runs of the same cluster before that it cannot be
noise. Across epochs only the shape of the curve is taken over, not its level.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.model.history import Ending, Inputs, Observation
from isocost.model.kernels import INPUT_SLOPE_MEAN
from isocost.model.log_evidence import has_other_code
from isocost.model.noise import run_sd_from

# Three standard deviations, twice in a row and in the same direction: by chance once in 100,000.
SURPRISE_SDS: Final = 3.0
# No change worth rebasing for is smaller, however little the runs scatter.
LEAST_SURPRISE_LOG: Final = 0.10


def epochs_of(history: Sequence[Observation]) -> list[int]:
    """Return the epoch of each run, 0 for the newest one."""
    starts = _other_code(history)
    starts |= _shifts(history, starts)
    total = len(starts)
    passed, epochs = 0, []
    for place in range(len(history)):
        passed += place in starts
        epochs.append(total - passed)
    return epochs


def _other_code(history: Sequence[Observation]) -> set[int]:
    """Return where runs are the first of another plan or Spark version."""
    found: set[int] = set()
    before = None
    for place, observation in enumerate(history):
        if has_other_code(observation.profile, before):
            found.add(place)
        before = observation.profile or before
    return found


# Runs whose inputs differ are no peers: an argument may move the runtime at will.
_Kind = tuple[ClusterSpec, Inputs]


@dataclass(slots=True)
class _Level:
    """Log runtimes of one kind of run so far: their number and mean."""

    count: int = 0
    mean: float = 0.0


@dataclass(slots=True)
class _Peers:
    """The runs of an epoch so far, summed up: a history may be long.

    Attributes:
        scatter, freedom: of log runtimes about the mean of their kind.
    """

    levels: dict[_Kind, _Level] = field(default_factory=dict)
    scatter: float = 0.0
    freedom: int = 0

    def add(self, kind: _Kind, log_s: float) -> None:
        """Count a run in (Welford, Technometrics 1962)."""
        level = self.levels.setdefault(kind, _Level())
        apart = log_s - level.mean
        level.count += 1
        level.mean += apart / level.count
        self.scatter += apart * (log_s - level.mean)
        self.freedom += level.count > 1

    def surprise(self, kind: _Kind, log_s: float) -> float:
        """Return by how much a run differs from its peers; 0.0 if that may be noise."""
        level = self.levels.get(kind)
        if level is None:
            return 0.0
        apart = log_s - level.mean
        sd = run_sd_from(self.scatter, self.freedom)
        allowed = SURPRISE_SDS * sd * (1 + 1 / level.count) ** 0.5
        return apart if abs(apart) > max(allowed, LEAST_SURPRISE_LOG) else 0.0


def _shifts(history: Sequence[Observation], starts: set[int]) -> set[int]:
    """Return where two runs in a row surprise, beside the places already known."""
    found: set[int] = set()
    peers = _Peers()
    pending: tuple[int, float] | None = None
    for place, observation in enumerate(history):
        if place in starts:
            peers, pending = _Peers(), None
        log_s = _log_s(observation)
        if log_s is None:
            continue
        kind = observation.spec, tuple(sorted(observation.inputs))
        surprise = peers.surprise(kind, log_s)
        if surprise and pending is not None and surprise * pending[1] > 0:
            found.add(pending[0])
            peers, pending = _Peers(), None
        elif surprise:
            pending = (place, surprise)
            continue  # it is no peer to the next one until that has spoken
        else:
            pending = None
        peers.add(kind, log_s)
    return found


def _log_s(observation: Observation) -> float | None:
    """Return the log runtime at a common input size, of an undisturbed success."""
    is_sound = observation.ending is Ending.SUCCEEDED and not observation.is_disturbed
    if not is_sound or observation.runtime_s is None:
        return None
    input_bytes = observation.input_bytes
    return log(observation.runtime_s) - INPUT_SLOPE_MEAN * log(input_bytes or 1.0)
