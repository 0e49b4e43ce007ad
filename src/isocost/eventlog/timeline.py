"""Stage attempts in, the time in which none of them ran out."""

from collections.abc import Iterable

from isocost.domain.profile import StageProfile


def driver_s(stages: Iterable[StageProfile], runtime_s: float) -> float:
    """Return the time within `[0, runtime_s]` in which no stage ran.

    A stage runs from its submission to its completion. Where the log lost the completion, the
    stage counts as running until the end: its spark tasks may have.
    """
    idle_s, covered_to_s = 0.0, 0.0
    for begin_s, end_s in sorted(_spans(stages, runtime_s)):
        idle_s += max(0.0, begin_s - covered_to_s)
        covered_to_s = max(covered_to_s, end_s)
    return idle_s + max(0.0, runtime_s - covered_to_s)


def _spans(stages: Iterable[StageProfile], runtime_s: float) -> Iterable[tuple[float, float]]:
    for stage in stages:
        if stage.submitted_s is None:
            continue
        end_s = runtime_s if stage.completed_s is None else stage.completed_s
        begin_s = min(max(stage.submitted_s, 0.0), runtime_s)
        yield begin_s, min(max(end_s, begin_s), runtime_s)
