"""A question's history in; what was tried on which cluster, and an answer's dress, out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Phase
from isocost.domain.recommendation import Evidence, Prediction
from isocost.model.history import Ending
from isocost.recommend.policy import Advice, Question

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tried:
    """One cluster of the history.

    Attributes:
        runtime_s: mean of the runs that succeeded; of all whose runtime is known where none did,
            and None where that is of none either.
        cost_usd: what such a run costs; None like the runtime.
        is_good: a run succeeded, and in time on average.
    """

    spec: ClusterSpec
    runtime_s: float | None
    cost_usd: float | None
    is_good: bool


def tried_of(question: Question) -> list[Tried]:
    """Return the distinct clusters of the history, in the order they were first tried."""
    specs = dict.fromkeys(observation.spec for observation in question.history)
    return [_tried(spec, question) for spec in specs]


def untried_of(question: Question, tried: Sequence[Tried]) -> list[ClusterSpec]:
    """Return the candidates that never ran."""
    ran = {one.spec for one in tried}
    return [spec for spec in question.space.candidates if spec not in ran]


def best_of(tried: Sequence[Tried]) -> Tried | None:
    """Return the cheapest that is good, the earlier of equals; None if none is good."""
    good = [one for one in tried if one.is_good]
    return min(good, key=lambda one: one.cost_usd or 0.0, default=None)


def fastest_of(tried: Sequence[Tried]) -> Tried:
    """Return the one that came nearest to any deadline."""
    return min(tried, key=lambda one: float("inf") if one.runtime_s is None else one.runtime_s)


def random_untried(untried: Sequence[ClusterSpec], seed: int, count: int) -> ClusterSpec:
    """Return one of the untried, the same one for the same seed and count of runs."""
    chance = np.random.default_rng([seed, count])
    return untried[int(chance.integers(len(untried)))]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rival chose what it chose, and whether it goes on exploring."""

    sentence: str
    phase: Phase
    meets_sla: bool = True


def advice(
    question: Question, spec: ClusterSpec, prediction: Prediction, *, reason: Reason
) -> Advice:
    """Return the choice; rivals store no alternatives, for nobody reads them by the thousand."""
    evidence = Evidence(
        history_run_ids=tuple(observation.run_id for observation in question.history),
        replay_error_fraction=None,
        reason=reason.sentence,
        meets_sla=reason.meets_sla,
        considered=(),
        rejections=(),
        further_rejection_count=len(question.space.rejections),
        candidate_count=len(question.space.candidates),
    )
    return Advice(spec, prediction, evidence, reason.phase)


def _tried(spec: ClusterSpec, question: Question) -> Tried:
    runs = [observation for observation in question.history if observation.spec == spec]
    good = [run for run in runs if run.ending is Ending.SUCCEEDED]
    known_s = [run.runtime_s for run in good or runs if run.runtime_s is not None]
    if not known_s:
        return Tried(spec, None, None, is_good=False)
    runtime_s = sum(known_s) / len(known_s)
    paid_s = runtime_s + question.overhead_s
    is_in_time = question.sla is None or runtime_s <= question.sla.max_runtime_s
    rate = float(question.purchase.usd_per_s([spec], question.node_types)[0])
    cost_usd = paid_s * rate
    return Tried(spec, runtime_s, cost_usd, is_good=bool(good) and is_in_time)
