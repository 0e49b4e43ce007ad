"""Spark task durations on the observed slots in; the same stage's durations on other slots out.

The first spark task of a stage on each slot is slower than those after it: classes are loaded,
generated code is compiled, connections are opened, and every slot pays for it anew. (Decima's
published TPC-H traces tell first waves from later ones for this reason.) So the durations of one
wave are not those of another, and a candidate with more slots has a longer first wave. A spark
task that changes waves is scaled by the ratio between them; the rest stay as they were.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

# How many spark tasks' worth of evidence the whole application's ratio counts for in a stage with
# a ratio of its own: a first wave of one or two spark tasks says little against all others.
APPLICATION_WEIGHT: Final = 2.0
# Upper quartile of first over later waves in Decima's traces (5,123 stages and executor counts:
# quartiles 2.0, 3.6 and 6.9). Beyond it, larger partitions are the likelier reason.
MOST_FIRST_WAVE_FACTOR: Final = 7.0


@dataclass(frozen=True, slots=True)
class WaveRatio:
    """Mean duration of first-wave spark tasks over that of the later ones, of one stage.

    Attributes:
        weight: the number of spark tasks in the smaller of the two waves; 0 if there is but one.
    """

    log_ratio: float
    weight: int


def wave_ratio(task_s: Sequence[float], slot_count: int) -> WaveRatio:
    """Return what a stage's own spark tasks, in launch order, say of its first wave."""
    first, later = task_s[:slot_count], task_s[slot_count:]
    if not later or not min(sum(first), sum(later)) > 0:
        return WaveRatio(0.0, 0)
    ratio = (sum(first) / len(first)) / (sum(later) / len(later))
    return WaveRatio(log(ratio), min(len(first), len(later)))


def pooled(ratios: Iterable[WaveRatio]) -> float:
    """Return the application's log ratio: the weighted mean of its stages', 0.0 without any."""
    known = [r for r in ratios if r.weight]
    weight = sum(r.weight for r in known)
    return sum(r.log_ratio * r.weight for r in known) / weight if weight else 0.0


def first_wave_factor(stage: WaveRatio, application_log_ratio: float) -> float:
    """Return the stage's ratio, drawn towards the application's; from 1 to the named bound."""
    weight = stage.weight + APPLICATION_WEIGHT
    drawn = stage.log_ratio * stage.weight + application_log_ratio * APPLICATION_WEIGHT
    return min(MOST_FIRST_WAVE_FACTOR, max(1.0, exp(drawn / weight)))


def durations_on(
    task_s: Sequence[float], observed_slots: int, candidate_slots: int, *, factor: float
) -> Sequence[float]:
    """Return durations in launch order on the candidate's slots.

    Args:
        task_s: on the observed slots.
        observed_slots: how many spark tasks the observed cluster ran at once.
        candidate_slots: how many the candidate runs at once.
        factor: first wave over later waves.
    """
    low, high = sorted((observed_slots, candidate_slots))
    scale = factor if candidate_slots > observed_slots else 1.0 / factor
    changed = [value * scale for value in task_s[low:high]]
    return [*task_s[:low], *changed, *task_s[high:]]
