"""A runtime's distribution and a cluster's rate in, a prediction with intervals out."""

from isocost.domain.recommendation import Interval, Prediction
from isocost.model.growth import LogStudentT


def prediction_from(
    runtime: LogStudentT,
    *,
    usd_per_s: float,
    overhead_s: float = 0.0,
    max_runtime_s: float | None = None,
) -> Prediction:
    """Return medians and intervals of runtime and cost.

    Args:
        runtime: of the application.
        usd_per_s: rate of the whole cluster.
        overhead_s: how long the cluster is paid for beyond the application's runtime.
        max_runtime_s: the SLA, if there is one.
    """
    runtime_80_s = interval_of(runtime, 0.80)
    return Prediction(
        runtime_s=runtime.median,
        runtime_80_s=runtime_80_s,
        runtime_95_s=interval_of(runtime, 0.95),
        cost_usd=(runtime.median + overhead_s) * usd_per_s,
        cost_80_usd=Interval(
            (runtime_80_s.low + overhead_s) * usd_per_s,
            (runtime_80_s.high + overhead_s) * usd_per_s,
        ),
        sla_probability=(
            None if max_runtime_s is None else runtime.probability_below(max_runtime_s)
        ),
    )


def interval_of(runtime: LogStudentT, mass: float) -> Interval:
    """Return the central interval that holds `mass` of the probability."""
    tail = (1.0 - mass) / 2
    return Interval(runtime.quantile(tail), runtime.quantile(1.0 - tail))
