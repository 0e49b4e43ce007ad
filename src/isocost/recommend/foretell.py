"""A project's model and some candidates in, predictions of runtime and cost with causes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.recommendation import Cause, ConsideredCandidate, Interval, Prediction
from isocost.model.causes import NOISE, causes_of
from isocost.model.mixture import Mixture
from isocost.model.points import Floats, points_of
from isocost.model.project import ProjectModel, Seen
from isocost.pricing.list_cost import usd_per_s

# Median, then the ends of the 80 and of the 95 % interval.
_LEVELS: Final = (0.5, 0.1, 0.9, 0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a prediction is made for, beside the cluster.

    Attributes:
        overhead_s: how long the cluster is paid for beyond the application's runtime.
        max_runtime_s: the SLA, if there is one.
    """

    node_types: Sequence[NodeType]
    overhead_s: float
    max_runtime_s: float | None


def foretell(
    model: ProjectModel, specs: Sequence[ClusterSpec], terms: Terms
) -> list[ConsideredCandidate]:
    """Return each spec with its prediction.

    A cluster that has run before is predicted from its own runs, which know it better than any
    curve.
    """
    seen = {cluster.spec: cluster for cluster in model.seen() if cluster.count}
    return [
        ConsideredCandidate(spec, _foretold(model, spec, terms, own=seen.get(spec)))
        for spec in specs
    ]


def rates_usd_per_s(specs: Sequence[ClusterSpec], node_types: Sequence[NodeType]) -> Floats:
    """Return what each cluster costs a second, (specs,)."""
    of_one = {t.node_type_id: usd_per_s(ClusterSpec(t.node_type_id, 1), [t]) for t in node_types}
    return np.fromiter((of_one[s.node_type_id] * s.worker_count for s in specs), np.float64)


def _foretold(
    model: ProjectModel, spec: ClusterSpec, terms: Terms, *, own: Seen | None
) -> Prediction:
    point = points_of([spec], terms.node_types)
    causes: tuple[Cause, ...]
    if own is None:
        mixture = model.predict(point)
        causes = causes_of(model.posterior, point, noise_variance=model.run_sd**2)
    else:
        mixture = _from_own_runs(own)
        causes = (Cause(NOISE, 1.0),)
    failure = float(model.probability_of_failure(point)[0])
    runtimes_s = [float(np.exp(mixture.quantile(level)[0])) for level in _LEVELS]
    rate = float(rates_usd_per_s([spec], terms.node_types)[0])
    costs_usd = [(runtime_s + terms.overhead_s) * rate for runtime_s in runtimes_s]
    return Prediction(
        runtime_s=runtimes_s[0],
        runtime_80_s=Interval(runtimes_s[1], runtimes_s[2]),
        runtime_95_s=Interval(runtimes_s[3], runtimes_s[4]),
        cost_usd=costs_usd[0],
        cost_80_usd=Interval(costs_usd[1], costs_usd[2]),
        sla_probability=_sla_probability(mixture, terms.max_runtime_s, failure=failure),
        cost_95_usd=Interval(costs_usd[3], costs_usd[4]),
        failure_probability=failure,
        causes=causes,
    )


def _sla_probability(
    mixture: Mixture, max_runtime_s: float | None, *, failure: float
) -> float | None:
    if max_runtime_s is None:
        return None
    in_time = float(mixture.probability_below(float(np.log(max_runtime_s)))[0])
    return (1.0 - failure) * in_time


def _from_own_runs(own: Seen) -> Mixture:
    """Return the next run of a cluster that ran: its mean, as uncertain as its count leaves it."""
    sd = own.sd * (1.0 + 1.0 / own.count) ** 0.5
    return Mixture(np.ones(1), np.array([[own.log_s]]), np.array([[sd]]))
