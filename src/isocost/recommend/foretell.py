"""A project's model and some candidates in, predictions of runtime and cost with causes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.recommendation import Cause, ConsideredCandidate, Interval, Prediction
from isocost.model.causes import NOISE, causes_of
from isocost.model.mixture import Mixture
from isocost.model.points import Floats, Points, points_of
from isocost.model.project import ProjectModel, Seen
from isocost.pricing.purchase import MACHINES_BY_THE_SECOND, Purchase

# Median, then the ends of the 80 and of the 95 % interval.
_LEVELS: Final = (0.5, 0.1, 0.9, 0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a prediction is made for, beside the cluster.

    Attributes:
        overhead_s: how long the cluster is paid for beyond the application's runtime.
        max_runtime_s: the SLA, if there is one.
        purchase: how clusters are bought.
    """

    node_types: Sequence[NodeType]
    overhead_s: float
    max_runtime_s: float | None
    purchase: Purchase = MACHINES_BY_THE_SECOND

    def usd_per_s(self, specs: Sequence[ClusterSpec]) -> Floats:
        """Return what each cluster costs a second, (specs,).

        Raises:
            InvalidInput: if a node type's DBUs have no price.
        """
        return self.purchase.usd_per_s(specs, self.node_types)


def foretell(
    model: ProjectModel, specs: Sequence[ClusterSpec], terms: Terms
) -> list[ConsideredCandidate]:
    """Return each spec with its prediction.

    A cluster that has run before is predicted from its own runs, which know it better than any
    curve.
    """
    points = points_of(specs, terms.node_types)
    runtimes = _Runtimes(model, points, [_own_runs(model, spec) for spec in specs])
    causes = causes_of(model.posterior, points, noise_variance=model.run_sd**2)
    failure = model.probability_of_failure(points)
    in_time = runtimes.chance_in_time(terms.max_runtime_s)
    seconds = runtimes.quantiles_s()
    usd = (seconds + terms.overhead_s) * terms.usd_per_s(specs)
    return [
        ConsideredCandidate(
            spec,
            _prediction(
                seconds[:, place],
                usd[:, place],
                failure=float(failure[place]),
                in_time=None if in_time is None else float(in_time[place]),
                causes=causes[place] if runtimes.own[place] is None else (Cause(NOISE, 1.0),),
            ),
        )
        for place, spec in enumerate(specs)
    ]


class _Runtimes:
    """Runtimes of some clusters: by the model, or by their own runs where there are any."""

    def __init__(self, model: ProjectModel, points: Points, own: Sequence[Seen | None]) -> None:
        self.own = own
        mixture = model.predict(points)
        # Own runs are one normal: as all components, they are that normal still.
        mean, sd = mixture.mean.copy(), mixture.sd.copy()
        for place, seen in enumerate(own):
            if seen is not None:
                mean[:, place] = seen.log_s
                sd[:, place] = seen.sd * (1.0 + 1.0 / seen.count) ** 0.5
        self._mixture = Mixture(mixture.weights, mean, sd)

    def quantiles_s(self) -> Floats:
        """Return the runtimes at `_LEVELS`, (levels, points)."""
        return np.exp(self._mixture.quantiles(_LEVELS))

    def chance_in_time(self, max_runtime_s: float | None) -> Floats | None:
        """Return P(runtime ≤ SLA), (points,); None without an SLA."""
        if max_runtime_s is None:
            return None
        return self._mixture.probability_below(float(np.log(max_runtime_s)))


def _own_runs(model: ProjectModel, spec: ClusterSpec) -> Seen | None:
    return next((seen for seen in model.seen() if seen.spec == spec and seen.count), None)


def _prediction(
    seconds: Floats,
    usd: Floats,
    *,
    failure: float,
    in_time: float | None,
    causes: tuple[Cause, ...],
) -> Prediction:
    """Return runtimes and costs at `_LEVELS` as a prediction."""
    return Prediction(
        runtime_s=float(seconds[0]),
        runtime_80_s=Interval(float(seconds[1]), float(seconds[2])),
        runtime_95_s=Interval(float(seconds[3]), float(seconds[4])),
        cost_usd=float(usd[0]),
        cost_80_usd=Interval(float(usd[1]), float(usd[2])),
        sla_probability=None if in_time is None else (1.0 - failure) * in_time,
        cost_95_usd=Interval(float(usd[3]), float(usd[4])),
        failure_probability=failure,
        causes=causes,
    )
