"""A run that is over and what it deviated by in; roll back, learn anew, or let it be, out.

`guard` judges a recommendation by its first run; this watches every run that follows, and asks
first whether going back could help: when the data have doubled, the old cluster is late as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, total_cores
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.domain.project import Sla
from isocost.domain.recommendation import Prediction, RecommendationEvent
from isocost.domain.run import Run, RunState
from isocost.recommend.guard import Verdict
from isocost.recommend.wording import told_apart
from isocost.units import PERCENT

# The project is another than when its cluster was chosen, whatever cluster it runs on.
OF_THE_PROJECT: Final = frozenset({
    CauseOfDeviation.DATA,
    CauseOfDeviation.CODE,
    CauseOfDeviation.RUNTIME_VERSION,
})
# Trouble that comes and goes with the cloud.
_OF_THE_CLOUD: Final = frozenset({CauseOfDeviation.SPOT, CauseOfDeviation.PLATFORM})


class Action(Enum):
    """What should follow from a run."""

    NOTHING = "nothing"
    ROLL_BACK = "roll back"
    CHANGED = "changed"  # the project did; a new recommendation helps, the old cluster does not


class Fault(Enum):
    """What was wrong with a run."""

    FAILED = "failed"
    LATE = "late"
    DEAR = "dear"


@dataclass(frozen=True, slots=True)
class Stakes:
    """What a run is held against.

    Attributes:
        prediction: of the recommendation it ran on; None if it ran on what a person chose, or if
            the project changed since.
        more_cost: by which factor cost may be above that for the input that was read.
        is_late_foretold: no candidate was expected to be in time.
        was_dear: the run before, of the same spec, cost more than its interval, too.
        was_kept: an earlier run of the same spec was let be.
        good: the last good spec; None if there is no other one to go back to.
        good_usd: what a run of that one last cost, less `more_cost`; None if not known.
        node_types: of both clusters.
    """

    sla: Sla | None
    node_types: Sequence[NodeType]
    prediction: Prediction | None = None
    more_cost: float = 1.0
    is_late_foretold: bool = False
    was_dear: bool = False
    was_kept: bool = False
    good: ClusterSpec | None = None
    good_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What should follow from a run, and why.

    Attributes:
        is_dear: it cost more than its interval; to be told when the next run is ruled on.
    """

    action: Action
    reason: str
    is_dear: bool = False

    @property
    def verdict(self) -> Verdict:
        """What becomes of the recommendation that the run was on."""
        is_back = self.action is Action.ROLL_BACK
        event = RecommendationEvent.ROLL_BACK if is_back else RecommendationEvent.KEEP
        return Verdict(event, self.reason)


def rule(run: Run, stakes: Stakes) -> Ruling:
    """Return what should follow from a run that is over.

    A failure, a missed deadline that was to be kept, and a cost above its 80 % interval twice in a
    row are faults. The chance of the last without a reason is 1 in 100.
    """
    is_dear = _is_dear(run, stakes)
    fault, what = _fault(run, stakes, is_dear=is_dear)
    if fault is None:
        return Ruling(Action.NOTHING, what, is_dear)
    share = _main_share(run.deviation)
    why = "" if share is None else f"; {_put(share)}"
    is_changed = share is not None and share.cause in OF_THE_PROJECT
    if is_changed and not (fault is Fault.FAILED and _is_larger(stakes, run.spec)):
        return Ruling(Action.CHANGED, f"{what}{why}, which no other cluster undoes", is_dear)
    if share is not None and share.cause in _OF_THE_CLOUD and stakes.was_kept:
        return Ruling(Action.NOTHING, f"{what}{why}, while {run.spec} did well before", is_dear)
    # What ran may be smaller than what was asked for, where the cloud took nodes away.
    if stakes.good in {None, run.spec, run.asked_spec}:
        kept = f"{what}{why}; there is no other cluster to go back to"
        return Ruling(Action.NOTHING, kept, is_dear)
    return Ruling(Action.ROLL_BACK, f"{what}{why}", is_dear)


def allowed_s(run: Run, sla: Sla | None) -> float | None:
    """Return the longest that the run might take; None without an SLA."""
    if run.allowed_s is not None or sla is None:
        return run.allowed_s
    return sla.max_runtime_s


def _fault(run: Run, stakes: Stakes, *, is_dear: bool) -> tuple[Fault | None, str]:
    """Return what is wrong with the run, if anything, and a sentence that says so."""
    if run.state is RunState.FAILED or run.runtime_s is None:
        return Fault.FAILED, f"the run failed: {run.failure}"
    most_s = allowed_s(run, stakes.sla)
    took = f"the run took {run.runtime_s:.1f} s"
    if most_s is not None:
        took += f" of the {most_s:.1f} s allowed"
        if run.runtime_s > most_s and not stakes.is_late_foretold:
            return Fault.LATE, took
    if is_dear:
        cost = _cost_said(run, stakes)
        return (Fault.DEAR, f"{cost}, twice in a row") if stakes.was_dear else (None, cost)
    return None, took


def _is_dear(run: Run, stakes: Stakes) -> bool:
    if run.cost is None or stakes.prediction is None:
        return False
    # A run that is dearer than foretold and still cheaper than the good one is no loss.
    most_usd = max(stakes.prediction.cost_80_usd.high, stakes.good_usd or 0.0)
    return run.cost.total_usd > most_usd * stakes.more_cost


def _cost_said(run: Run, stakes: Stakes) -> str:
    if run.cost is None or stakes.prediction is None:
        return ""
    most_usd = stakes.prediction.cost_80_usd.high * stakes.more_cost
    cost, most = told_apart(run.cost.total_usd, most_usd)
    return f"the run cost {cost}, above the {most} that end its 80 % interval"


def _main_share(deviation: Deviation | None) -> Share | None:
    if deviation is None or deviation.main_cause is None:
        return None
    return deviation.shares[0]


def _put(share: Share) -> str:
    return (
        f"{PERCENT * share.fraction:.0f} % of the deviation is {share.cause.value}: {share.detail}"
    )


def _is_larger(stakes: Stakes, spec: ClusterSpec) -> bool:
    if stakes.good is None:
        return False
    return total_cores(stakes.good, stakes.node_types) > total_cores(spec, stakes.node_types)
