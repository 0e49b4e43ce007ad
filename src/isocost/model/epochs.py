"""A history in, for each run how many changes of the program lie between it and the next, out.

A new epoch begins where the event log names another plan or Spark version, and where two runs in
a row took so much longer, or less long, than runs of the same cluster before that it cannot be
noise. Across epochs only the shape of the curve is taken over, not its level.
"""

from collections.abc import Sequence
from math import log
from statistics import fmean
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.model.history import Ending, Observation
from isocost.model.kernels import INPUT_SLOPE_MEAN
from isocost.model.log_evidence import has_other_code
from isocost.model.noise import run_sd

# Three standard deviations, twice in a row and in the same direction: by chance once in 100,000.
SURPRISE_SDS: Final = 3.0
# No change worth rebasing for is smaller, however little the runs scatter.
LEAST_SURPRISE_LOG: Final = 0.10


def epochs_of(history: Sequence[Observation]) -> list[int]:
    """Return the epoch of each run, 0 for the newest one."""
    starts = {place for place in range(1, len(history)) if _is_other_code(history, place)}
    starts |= _shifts(history, starts)
    total = len(starts)
    passed, epochs = 0, []
    for place in range(len(history)):
        passed += place in starts
        epochs.append(total - passed)
    return epochs


def _is_other_code(history: Sequence[Observation], place: int) -> bool:
    """Return whether the run at `place` is the first of another plan or Spark version."""
    before = next((o.profile for o in reversed(history[:place]) if o.profile is not None), None)
    return has_other_code(history[place].profile, before)


def _shifts(history: Sequence[Observation], starts: set[int]) -> set[int]:
    """Return where two runs in a row surprise, beside the places already known."""
    found: set[int] = set()
    peers: dict[ClusterSpec, list[float]] = {}
    pending: tuple[int, float] | None = None
    for place, observation in enumerate(history):
        if place in starts:
            peers, pending = {}, None
        level = _level(observation)
        if level is None:
            continue
        surprise = _surprise(level, peers.get(observation.spec, []), peers)
        if surprise and pending is not None and surprise * pending[1] > 0:
            found.add(pending[0])
            peers, pending = {}, None
        elif surprise:
            pending = (place, surprise)
            continue  # it is no peer to the next one until that has spoken
        else:
            pending = None
        peers.setdefault(observation.spec, []).append(level)
    return found


def _surprise(level: float, same: Sequence[float], peers: dict[ClusterSpec, list[float]]) -> float:
    """Return by how much a run differs from those of its cluster; 0.0 if that may be noise."""
    if not same:
        return 0.0
    apart = level - fmean(same)
    allowed = SURPRISE_SDS * run_sd(list(peers.values())) * (1 + 1 / len(same)) ** 0.5
    return apart if abs(apart) > max(allowed, LEAST_SURPRISE_LOG) else 0.0


def _level(observation: Observation) -> float | None:
    """Return the log runtime at a common input size, of an undisturbed success."""
    is_sound = observation.ending is Ending.SUCCEEDED and not observation.is_disturbed
    if not is_sound or observation.runtime_s is None:
        return None
    input_bytes = observation.input_bytes
    return log(observation.runtime_s) - INPUT_SLOPE_MEAN * log(input_bytes or 1.0)
