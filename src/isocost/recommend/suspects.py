"""A run's log and its forerunners' in; what may have made it take another time, out.

Each suspect comes with what it should have done to the logarithm of the runtime, and how sure
that is. What has left no trace in the logs is no suspect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, total_cores
from isocost.domain.deviation import CauseOfDeviation
from isocost.domain.profile import RunProfile
from isocost.model.epochs import LEAST_SURPRISE_LOG, SURPRISE_SDS
from isocost.recommend.expectation import Usual, robust_sd
from isocost.recommend.work import Work, WorkRatio, ratio
from isocost.units import BYTES_PER_GB, PERCENT

# How sure an effect is, as a fraction of it: C3O's programs have slopes of 0.3 to 1.1 where 0.7 is
# assumed, which is about as far as work turns into runtime on clusters of one size.
EFFECT_SD_FRACTION: Final = 0.25
# What other code or another runtime may do beyond what the work tells: driver time, other skew.
UNSEEN_CHANGE_SD: Final = 0.10
# The same where no work can be compared.
UNKNOWN_CHANGE_SD: Final = 0.30
# Waiting for nodes and stages begun again: each loss may cost some percent more than was counted.
LOSS_SD: Final = 0.05
# Work per input is the same from run to run within this, worth so many runs: 3 % of noise in each
# of two runs that are compared.
WORK_SD: Final = 0.05
WORK_SD_RUNS: Final = 4.0
# The same on a cluster that none of them ran on: threads that have a core to themselves are faster
# by up to half, and a cluster too small or too large for its spark tasks changes how many do.
OTHER_CLUSTER_SD: Final = 0.06
# Runs on inputs this much further apart than the nearest still count: a week's quiet and busy
# days.
NEAR_SIZE_LOG: Final = 0.15
# Per unit of log input that two runs are apart, their work may differ from proportion by this.
WORK_PER_SIZE_SD: Final = 0.3
# The platform slows the driver as well; code in executors does not. Half way is the boundary.
DRIVER_FOLLOWS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Suspect:
    """One possible cause.

    Attributes:
        mean, sd: of its effect on the logarithm of the runtime.
        is_certain: that it happened, whether or not it shows in the runtime.
        detail: the numbers behind it, in one clause for people.
    """

    cause: CauseOfDeviation
    mean: float
    sd: float
    is_certain: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Forerunner:
    """An earlier run of which the log is known."""

    run_id: str
    spec: ClusterSpec
    profile: RunProfile
    work: Work


@dataclass(frozen=True, slots=True)
class Figure:
    """A logarithm of this run's work over the forerunners'.

    Attributes:
        value: against those that were expected to be like it.
        reach: beyond which a value is no chance.
        is_new: whether it is out of reach of every one of them.
    """

    value: float
    reach: float
    is_new: bool

    @property
    def is_surprising(self) -> bool:
        """Whether the value is out of reach."""
        return abs(self.value) > self.reach


class Comparison:
    """One run beside its forerunners, oldest first; at least one."""

    def __init__(self, mine: Forerunner, before: Sequence[Forerunner]) -> None:
        """Compare the run with each of them that is of use."""
        self.mine = mine
        self.before = before
        self._ratios = {each.run_id: ratio(mine.work, each.work) for each in before}
        self._apart = {each.run_id: _apart(mine.work, each.work) for each in before}

    def figure(self, name: str, peer_ids: frozenset[str] = frozenset()) -> Figure | None:
        """Return one field of `WorkRatio` against the peers, or against all; None if not known."""
        values = {
            run_id: value
            for run_id, one in self._ratios.items()
            if (value := getattr(one, name)) is not None
        }
        if not values:
            return None
        near = min(self._apart[run_id] for run_id in values)
        kept = {r: v for r, v in values.items() if self._apart[r] <= near + NEAR_SIZE_LOG}
        reach = max(SURPRISE_SDS * self._sd(kept, near), LEAST_SURPRISE_LOG)
        middle = [v for r, v in kept.items() if r in peer_ids] or list(kept.values())
        is_new = all(abs(value) > reach for value in kept.values())
        return Figure(median(middle), reach, is_new)

    def _sd(self, values: Mapping[str, float], near: float) -> float:
        """Return the standard deviation of a figure if nothing had happened.

        Args:
            values: by forerunner.
            near: how far its input is from the nearest of theirs, in logarithms.
        """
        scatter = robust_sd(list(values.values()))
        known = WORK_SD_RUNS * WORK_SD**2 + len(values) * scatter**2
        variance = known / (WORK_SD_RUNS + len(values)) + (WORK_PER_SIZE_SD * near) ** 2
        specs = {each.spec for each in self.before if each.run_id in values}
        if self.mine.spec not in specs:
            variance += OTHER_CLUSTER_SD**2
        return float(variance**0.5)

    def alike(self) -> frozenset[str]:
        """Return runs whose work this one's resembles."""
        figure = self.figure("cpu") or self.figure("run")
        if figure is None:
            return frozenset()
        return frozenset(
            run_id
            for run_id, one in self._ratios.items()
            if (value := _work_of(one)) is not None and abs(value) <= figure.reach
        )


def data_suspect(usual: Usual, slope: float) -> Suspect | None:
    """Return what another size of the input does; None where it is not known or as usual."""
    if usual.log_bytes is None or not usual.is_other:
        return None
    usually, read = exp(usual.log_bytes), exp(usual.log_bytes + usual.apart_log)
    return Suspect(
        CauseOfDeviation.DATA,
        slope * usual.apart_log,
        EFFECT_SD_FRACTION * abs(usual.apart_log),
        True,
        f"it read {read / BYTES_PER_GB:.3g} GB, {PERCENT * read / usually:.0f} % of the "
        f"{usually / BYTES_PER_GB:.3g} GB that are usual",
    )


def change_suspects(comparison: Comparison, peer_ids: frozenset[str]) -> list[Suspect]:
    """Return what another program, another runtime or a slow platform may have done."""
    mine, newest = comparison.mine.profile, comparison.before[-1].profile
    found = []
    work = comparison.figure("cpu", peer_ids) or comparison.figure("run", peer_ids)
    is_other_plan = _differ(mine.plan_fingerprint, newest.plan_fingerprint)
    version, before = _version(mine), _version(newest)
    if _differ(version, before):
        versions = {_version(each.profile) for each in comparison.before}
        detail = f"it ran on {version}, the run before on {before}{_work_said(work)}"
        is_new = version not in versions
        found.append(_changed(CauseOfDeviation.RUNTIME_VERSION, work, detail, is_certain=is_new))
    # Another version of Spark plans the same program otherwise, so it explains another plan.
    elif is_other_plan:
        known = {each.profile.plan_fingerprint for each in comparison.before}
        detail = f"its plan is another than that of the run before{_work_said(work)}"
        is_new = mine.plan_fingerprint not in known
        found.append(_changed(CauseOfDeviation.CODE, work, detail, is_certain=is_new))
    else:
        found += _silent_change(comparison, peer_ids, work)
    return found


def spot_suspect(
    comparison: Comparison | None, loss_count: int, node_types: Sequence[NodeType]
) -> Suspect | None:
    """Return what lost nodes did; None where none was lost.

    Args:
        comparison: of the run's work with its forerunners', if there are any.
        loss_count: nodes that the cloud says it took away.
        node_types: of all clusters.
    """
    taken = max(loss_count, comparison.mine.work.taken_count if comparison else 0)
    if not taken:
        return None
    again, missing = 0.0, 0.0
    if comparison is not None:
        whole, run = comparison.figure("whole_run"), comparison.figure("run")
        work = comparison.mine.work
        again = max(0.0, log(work.run_s / work.once_run_s)) if work.once_run_s > 0 else 0.0
        if whole is not None and run is not None:
            again = max(again, whole.value - run.value)
        usual = median(_log_presence(each, node_types) for each in comparison.before)
        missing = max(0.0, usual - _log_presence(comparison.mine, node_types))
    effect = again + missing
    return Suspect(
        CauseOfDeviation.SPOT,
        effect,
        LOSS_SD + EFFECT_SD_FRACTION * effect,
        True,
        f"the cloud took {taken} {'node' if taken == 1 else 'nodes'} away: "
        f"{PERCENT * (exp(again) - 1):.0f} % more work and "
        f"{PERCENT * (1 - exp(-missing)):.0f} % fewer cores than usual",
    )


def _silent_change(
    comparison: Comparison, peer_ids: frozenset[str], work: Figure | None
) -> list[Suspect]:
    """Return who changed the work of a program whose plan and runtime are known to be the same."""
    run = comparison.figure("run", peer_ids)
    waiting = run.value - work.value if run is not None and work is not None else 0.0
    if run is not None and abs(waiting) > LEAST_SURPRISE_LOG and run.is_surprising:
        detail = (
            f"its spark tasks waited: they took {PERCENT * exp(run.value):.0f} % of the time "
            "usual for the input, and their processors "
            f"{PERCENT * exp(run.value - waiting):.0f} %"
        )
        return [_slowed(waiting, detail, is_certain=run.is_new and not _spills_more(comparison))]
    if work is None or not work.is_surprising:
        return []
    driver = comparison.figure("driver", peer_ids)
    times = f"spark tasks took {PERCENT * exp(work.value):.0f} % of the time usual for the input"
    follows = _is_same_plan(comparison) if driver is None else _follows(driver, work)
    if follows:
        beside = ", and so did the driver" if driver is not None else ""
        return [_slowed(work.value, times + beside, is_certain=work.is_new)]
    detail = f"{times}{'' if driver is None else ', the driver no other time'}"
    return [_changed(CauseOfDeviation.CODE, work, detail, is_certain=work.is_new)]


def _follows(driver: Figure, work: Figure) -> bool:
    return driver.value * work.value > 0 and abs(driver.value) > DRIVER_FOLLOWS * abs(work.value)


def _slowed(effect: float, detail: str, *, is_certain: bool) -> Suspect:
    sd = LOSS_SD + EFFECT_SD_FRACTION * abs(effect)
    return Suspect(CauseOfDeviation.PLATFORM, effect, sd, is_certain, detail)


def _changed(
    cause: CauseOfDeviation, work: Figure | None, detail: str, *, is_certain: bool
) -> Suspect:
    if work is None:
        return Suspect(cause, 0.0, UNKNOWN_CHANGE_SD, is_certain, detail)
    sd = UNSEEN_CHANGE_SD + EFFECT_SD_FRACTION * abs(work.value)
    return Suspect(cause, work.value, sd, is_certain, detail)


def _work_said(work: Figure | None) -> str:
    if work is None:
        return ""
    return f", with {PERCENT * exp(work.value):.0f} % of the work usual for the input"


def _spills_more(comparison: Comparison) -> bool:
    """Say whether less memory than usual explains that spark tasks waited."""
    usual = median(each.profile.totals.disk_spilled_bytes for each in comparison.before)
    return comparison.mine.profile.totals.disk_spilled_bytes > 2 * usual


def _is_same_plan(comparison: Comparison) -> bool:
    plan = comparison.mine.profile.plan_fingerprint
    return plan is not None and plan == comparison.before[-1].profile.plan_fingerprint


def _differ(mine: str | None, other: str | None) -> bool:
    return mine is not None and other is not None and mine != other


def _version(profile: RunProfile) -> str:
    runtime = profile.cluster.runtime_version if profile.cluster is not None else None
    return f"Spark {profile.spark_version}" + (f" in runtime {runtime}" if runtime else "")


def _work_of(one: WorkRatio) -> float | None:
    return one.cpu if one.cpu is not None else one.run


def _apart(mine: Work, other: Work) -> float:
    if not mine.read_bytes or not other.read_bytes:
        return 0.0
    return abs(log(mine.read_bytes / other.read_bytes))


def _log_presence(each: Forerunner, node_types: Sequence[NodeType]) -> float:
    """Return the logarithm of the share of its cores that a cluster had over the runtime."""
    asked = total_cores(each.spec, node_types)
    return log(each.work.cores / asked) if each.work.cores > 0 else 0.0
