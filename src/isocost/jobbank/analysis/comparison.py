"""Two measured experiments in; whether the second is better or worse, beyond chance, out.

Trials are paired by workload, cold start and policy, and for each measure the differences, second
less first, get a confidence interval (`estimates`). Several measures are looked at together, so
each interval is made wider: with m of them, 1 − 0.05 / m each makes at least 95 % for all at once
(Bonferroni). A measure is worse or better if its interval does not hold 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isclose
from statistics import fmean
from typing import Final

from isocost.errors import InvalidInput
from isocost.jobbank.analysis.estimates import Estimate, clustered_mean, grouped, jackknifed
from isocost.jobbank.analysis.measures import Measured, TrialMeasures

TOGETHER: Final = 0.95
NOMINAL_COVERAGE: Final = 0.80
# Below six witnesses even if all of them agree, that is no rarer than 1 in 16 by chance alone.
LEAST_WITNESSES: Final = 6
_SAME: Final = 1e-9

Pair = tuple[TrialMeasures, TrialMeasures]
Key = tuple[str, int, str]


class Verdict(StrEnum):
    """What a difference comes to; for all measures, smaller is better."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class MeasureDifference:
    """One measure of both experiments.

    Attributes:
        before, after: of the first and the second experiment, over the pairs that have both.
        difference: `after` less `before`, with its interval; None where too few pairs have both.
        by_witness: the differences that it is the mean of, the worst first; none for a measure
            that is no mean.
    """

    name: str
    meaning: str
    before: float | None
    after: float | None
    difference: Estimate | None
    by_witness: tuple[tuple[str, float], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether the interval lies on one side of 0."""
        if self.difference is None:
            return Verdict.NOT_MEASURED
        if self.difference.low > 0:
            return Verdict.WORSE
        return Verdict.BETTER if self.difference.high < 0 else Verdict.NO_DIFFERENCE


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two experiments side by side.

    Attributes:
        unit: what counts as one witness: workload, or trial where there are few workloads.
        confidence_each: of each measure's interval, such that all together have `TOGETHER`.
        notes: on what was left out or could not be paired exactly.
    """

    before: str
    after: str
    pair_count: int
    unit: str
    confidence_each: float
    measures: tuple[MeasureDifference, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Worse if any measure is; else better if any is."""
        found = {measure.verdict for measure in self.measures}
        ranked = (Verdict.WORSE, Verdict.BETTER)
        return next((each for each in ranked if each in found), Verdict.NO_DIFFERENCE)


def compare(before: Measured, after: Measured) -> Comparison:
    """Return how the second experiment differs from the first.

    Raises:
        InvalidInput: they were made under other terms, one is not finished, or they have too few
            trials in common.
    """
    _check_terms(before, after)
    pairs, notes = _paired(before, after)
    workloads = {first.workload for first, _ in pairs}
    unit = "workload" if len(workloads) >= LEAST_WITNESSES else "trial"
    if len(pairs) < LEAST_WITNESSES:
        raise InvalidInput(
            f"{before.name!r} and {after.name!r} have {len(pairs)} trials in common (by workload, "
            f"cold start and policy); a verdict takes {LEAST_WITNESSES}. Run both with the same "
            "--workloads, --cold-starts and --policy."
        )
    counted = _Counted(pairs, unit, 1 - (1 - TOGETHER) / len(_MEANS_AND_COVERAGE))
    return Comparison(
        before.name,
        after.name,
        len(pairs),
        unit,
        counted.confidence,
        (*(counted.mean(*measure) for measure in _MEANS), counted.coverage()),
        notes,
    )


def _check_terms(before: Measured, after: Measured) -> None:
    for each in (before, after):
        if each.open_count:
            raise InvalidInput(
                f"Experiment {each.name!r} has {each.open_count} trials left to run. Finish it "
                "with the command that began it, then compare."
            )
    a, b = before.terms, after.terms
    for what, first, second in (
        ("platform", a.platform, b.platform),
        ("number of runs a trial", a.runs_per_trial, b.runs_per_trial),
        ("share of runs that may be late", a.miss_fraction, b.miss_fraction),
        ("rule of deadlines", a.sla, b.sla),
    ):
        if first != second:
            raise InvalidInput(
                f"{before.name!r} and {after.name!r} cannot be compared: their {what} differs, "
                f"{first or 'none'} against {second or 'none'}. Run both under the same terms."
            )


def _paired(before: Measured, after: Measured) -> tuple[list[Pair], tuple[str, ...]]:
    policies = [sorted({t.policy for t in each.trials}) for each in (before, after)]
    is_by_policy = bool(set(policies[0]) & set(policies[1])) or max(map(len, policies)) > 1
    first = {_key(t, is_by_policy=is_by_policy): t for t in before.trials}
    second = {_key(t, is_by_policy=is_by_policy): t for t in after.trials}
    pairs = [(first[key], second[key]) for key in first if key in second]
    notes = []
    if pairs and not is_by_policy:
        notes.append(f"Policy {policies[0][0]} is compared with policy {policies[1][0]}.")
    if alone := len(first) + len(second) - 2 * len(pairs):
        notes.append(f"{alone} trials have no partner in the other experiment and are left out.")
    if other := sum(a.start != b.start for a, b in pairs):
        notes.append(
            f"{other} of {len(pairs)} pairs began on different clusters or data: part of their "
            "difference is that. The same --seed pairs them exactly."
        )
    return pairs, tuple(notes)


def _key(trial: TrialMeasures, *, is_by_policy: bool) -> Key:
    return trial.workload, trial.cold_start, trial.policy if is_by_policy else ""


ValueOf = Callable[[TrialMeasures], float | None]

_MEANS: Final[Sequence[tuple[str, str, ValueOf]]] = (
    (
        "prediction_error",
        "mean absolute error of predicted runtimes",
        lambda t: t.error_fraction,
    ),
    (
        "cost_over_baseline",
        "mean list cost of a run after the cold start, over the cold start's",
        lambda t: t.cost_ratio,
    ),
    (
        "sla_misses",
        "share of the runs after the cold start that were late or failed",
        lambda t: t.miss_fraction,
    ),
    (
        "set_aside",
        "share of the trials that could not be carried through",
        lambda t: float(t.is_set_aside),
    ),
)
_COVERAGE: Final = (
    "coverage_gap",
    "how far the share of runtimes inside their 80 % interval is from 80 %",
)
_MEANS_AND_COVERAGE: Final = (*_MEANS, _COVERAGE)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Pairs with what counts as one witness among them."""

    pairs: Sequence[Pair]
    unit: str
    confidence: float

    def mean(self, name: str, meaning: str, value_of: ValueOf) -> MeasureDifference:
        known = [
            (self._group(place), one, other)
            for place, (a, b) in enumerate(self.pairs)
            if (one := value_of(a)) is not None and (other := value_of(b)) is not None
        ]
        differences = [(group, _difference(one, other)) for group, one, other in known]
        means = [(group, fmean(of)) for group, of in grouped(differences).items()]
        difference = clustered_mean(differences, confidence=self.confidence)
        return MeasureDifference(
            name,
            meaning,
            fmean(one for _, one, _ in known) if known else None,
            fmean(other for _, _, other in known) if known else None,
            _enough(difference),
            tuple(sorted(means, key=lambda each: -each[1])),
        )

    def coverage(self) -> MeasureDifference:
        groups: dict[str, list[Pair]] = {}
        for place, pair in enumerate(self.pairs):
            if pair[0].prediction_count and pair[1].prediction_count:
                groups.setdefault(self._group(place), []).append(pair)
        difference = jackknifed(
            list(groups.values()),
            _gap_difference,
            value_count=sum(map(len, groups.values())),
            confidence=self.confidence,
        )
        told = [pair for group in groups.values() for pair in group]
        return MeasureDifference(
            *_COVERAGE,
            _gap([a for a, _ in told]) if told else None,
            _gap([b for _, b in told]) if told else None,
            _enough(difference),
        )

    def _group(self, place: int) -> str:
        trial = self.pairs[place][0]
        if self.unit == "workload":
            return trial.workload
        return f"{trial.workload} from cold start {trial.cold_start}, {trial.policy}"


def _enough(difference: Estimate | None) -> Estimate | None:
    return difference if difference and difference.group_count >= LEAST_WITNESSES else None


def _difference(before: float, after: float) -> float:
    """Return `after` less `before`.

    Sums differ in their last digits from one machine to another, and that always to one side
    would be called a difference beyond chance.
    """
    return 0.0 if isclose(before, after, rel_tol=_SAME, abs_tol=_SAME) else after - before


def _gap_difference(groups: Sequence[Sequence[Pair]]) -> float:
    pairs = [pair for group in groups for pair in group]
    return _difference(_gap([a for a, _ in pairs]), _gap([b for _, b in pairs]))


def _gap(trials: Sequence[TrialMeasures]) -> float:
    inside = sum(t.in_80_count for t in trials) / sum(t.prediction_count for t in trials)
    return abs(inside - NOMINAL_COVERAGE)
