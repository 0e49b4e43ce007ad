"""Predictions in; what makes their errors large, named in words with standard errors, out.

Least squares of the absolute error, as |ln(predicted / actual)| in percent so that twice and half
count alike, on the size of each change. Predictions of one workload err
together, so standard errors are robust to that (Liang and Zeger 1986, with the correction for few
groups that Cameron and Miller 2015 give as the usual one).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log, log2
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from isocost.jobbank.tables import PredictionRow, RunRow
from isocost.units import PERCENT

Floats = npt.NDArray[np.float64]

# As many predictions for each coefficient as keep a least-squares fit from chasing its noise.
LEAST_PER_TERM: Final = 10
# Fewer predictions that differ from the usual value are a story, not a pattern.
LEAST_CASES: Final = 10
LEAST_WORKLOADS: Final = 3
_COLLINEAR: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that may explain errors.

    Attributes:
        words: what adds to the error, completed by "adds 3 points".
        points: percentage points of absolute error that it adds.
        se: standard error of `points`.
        p_value: how often chance alone would give as much; two-sided.
    """

    words: str
    points: float
    se: float
    p_value: float

    @property
    def is_clear(self) -> bool:
        """Whether chance gives as much in fewer than 1 of 20 cases."""
        return self.p_value < 0.05


@dataclass(frozen=True, slots=True)
class Explanation:
    """A fit of absolute errors.

    Attributes:
        base_points: error of a prediction that changes nothing, percentage points.
        terms: the largest effect in standard errors first.
        r_squared: share of the errors' variance that the terms explain.
        unvarying: what changed too seldom or too little to tell, or only together with others.
    """

    base_points: float
    base_se: float
    terms: tuple[Term, ...]
    r_squared: float
    count: int
    unvarying: tuple[str, ...]


# Below a quarter more or less, what a doubling would do is nothing but extrapolation.
LEAST_DOUBLINGS: Final = 0.3


@dataclass(frozen=True, slots=True)
class _Cause:
    words: str
    value_of: Callable[[PredictionRow, Mapping[str, RunRow]], float | None]
    least_spread: float = 1.0


def _changed(words: str, ratio_of: Callable[[PredictionRow], float | None]) -> _Cause:
    return _Cause(words, lambda row, _: _doublings(ratio_of(row)), LEAST_DOUBLINGS)


def _doublings(ratio: float | None) -> float | None:
    return None if not ratio else abs(log2(ratio))


def _spot_loss(row: PredictionRow, runs: Mapping[str, RunRow]) -> float | None:
    child = runs.get(row.child_run_id)
    return None if child is None else float(child.spot_loss_count > 0)


_CAUSES: Final = (
    _changed("machines of twice or half the size", lambda row: row.node_size_ratio),
    _changed("twice or half as many workers", lambda row: row.worker_ratio),
    _Cause("another family of machines", lambda r, _: float(r.is_other_family)),
    _changed("twice or half the memory per core", lambda row: row.memory_per_core_ratio),
    _changed("twice or half the data", lambda row: row.input_ratio),
    _Cause("only one run to learn from", lambda r, _: float(r.history_count <= 1)),
    _Cause("a node lost to spot on the way", _spot_loss),
)


def explain_errors(
    predictions: Sequence[PredictionRow], runs: Sequence[RunRow]
) -> Explanation | None:
    """Return what explains the errors; None of too few predictions or workloads."""
    by_id = {run.run_id: run for run in runs}
    judged = [row for row in predictions if row.actual_s]
    columns = {cause.words: _column(cause, judged, by_id) for cause in _CAUSES}
    workloads = [row.workload for row in judged]
    kept = _independent({
        cause.words: columns[cause.words]
        for cause in _CAUSES
        if _varies(columns[cause.words], workloads, least=cause.least_spread)
    })
    if len(judged) < LEAST_PER_TERM * (len(kept) + 1) or len(set(workloads)) <= len(kept) + 1:
        return None
    errors = np.array([abs(log(row.predicted_s / (row.actual_s or 1.0))) for row in judged])
    unvarying = tuple(words for words in columns if words not in kept)
    return _fitted(errors * PERCENT, kept, workloads, unvarying=unvarying)


def _column(cause: _Cause, judged: Sequence[PredictionRow], runs: Mapping[str, RunRow]) -> Floats:
    """Return the cause's value for each prediction, (predictions,); the mean where unknown."""
    values = [cause.value_of(row, runs) for row in judged]
    known = [value for value in values if value is not None]
    usual = sum(known) / len(known) if known else 0.0
    return np.array([usual if value is None else value for value in values])


def _varies(column: Floats, workloads: Sequence[str], *, least: float) -> bool:
    """Return whether enough predictions, of enough workloads, differ enough from the usual."""
    if not column.size or np.ptp(column) < least:
        return False
    values, counts = np.unique(column, return_counts=True)
    usual = values[counts.argmax()]
    others = [n for n, value in enumerate(column) if value != usual]
    return len(others) >= LEAST_CASES and len({workloads[n] for n in others}) >= LEAST_WORKLOADS


def _independent(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the columns that are no combination of those before."""
    kept: dict[str, Floats] = {}
    for words, column in columns.items():
        design = _design({**kept, words: column})
        scaled = design / np.linalg.norm(design, axis=0)
        if np.linalg.svd(scaled, compute_uv=False)[-1] > _COLLINEAR:
            kept[words] = column
    return kept


def _design(columns: Mapping[str, Floats]) -> Floats:
    count = len(next(iter(columns.values()))) if columns else 0
    return np.column_stack([np.ones(count), *columns.values()])


def _fitted(
    errors: Floats,
    columns: Mapping[str, Floats],
    workloads: Sequence[str],
    *,
    unvarying: tuple[str, ...],
) -> Explanation | None:
    if not columns:
        return None
    design = _design(columns)
    inverse: Floats = np.linalg.inv(design.T @ design).astype(np.float64)
    coefficients = inverse @ design.T @ errors
    residuals = errors - design @ coefficients
    se = np.sqrt(np.diag(_robust_covariance(design, residuals, inverse, workloads=workloads)))
    free = len(set(workloads)) - 1
    terms = [
        Term(words, float(value), float(error), _p_value(value, error, free))
        for words, value, error in zip(columns, coefficients[1:], se[1:], strict=True)
    ]
    spread = float(((errors - errors.mean()) ** 2).sum())
    return Explanation(
        base_points=float(coefficients[0]),
        base_se=float(se[0]),
        terms=tuple(sorted(terms, key=lambda term: term.p_value)),
        r_squared=1.0 - float((residuals**2).sum()) / spread if spread else 0.0,
        count=len(errors),
        unvarying=unvarying,
    )


def _robust_covariance(
    design: Floats, residuals: Floats, inverse: Floats, *, workloads: Sequence[str]
) -> Floats:
    """Return the coefficients' covariance, (terms, terms), robust to errors within workloads."""
    names = np.array(workloads)
    groups = list(dict.fromkeys(workloads))
    scores = np.array([design[names == g].T @ residuals[names == g] for g in groups])
    count, terms = design.shape
    g = len(groups)
    correction = g / (g - 1) * (count - 1) / (count - terms)
    covariance: Floats = correction * inverse @ scores.T @ scores @ inverse
    return covariance


def _p_value(value: float, error: float, free: int) -> float:
    return float(2 * stdtr(free, -abs(value / error))) if error > 0 else 1.0
