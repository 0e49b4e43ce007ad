"""Steps of one execution and a deadline in; how long each cluster's application may take, out.

A step begins some constant lag after the last of those it depends on. It lasts for a constant
part, the start of its cluster, and a part that its cluster's application takes. An execution takes
as long as its longest path through the steps.

How a deadline is shared. Let path P have the constant part K(P) and applications' part A(P), the
deadline be S, and stretch the applications of each step i by a factor f(i). With

    f(i) = min over the paths P through i of (S - K(P)) / A(P)

no path is longer than S: every i on P has f(i) <= (S - K(P)) / A(P), so

    K(P) + sum over i on P of f(i) a(i) <= K(P) + (S - K(P)) / A(P) * A(P) = S.

Without constants, f(i) is S / L(i), where L(i) is the longest path through i. A cluster's factor
is the least of its steps', which leaves the sum no larger. The minimum is found as Dinkelbach did
(Management Science 13, 1967): lower f to the ratio of the longest path at f until none is too
long.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Final

from isocost.domain.execution import StepSpan
from isocost.errors import InvalidInput

# Clusters are never asked to be faster than this: no application starts and ends in less, and a
# deadline that cannot be kept is for the engine to say, with what comes nearest.
LEAST_ALLOWED_S: Final = 1.0
# Below this, in seconds, two paths are equally long.
_ROUNDING_S: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Path:
    """Steps one after another.

    Attributes:
        constant_s: lags, and what steps take beside their applications.
        application_s: what applications take in its steps.
    """

    step_keys: tuple[str, ...] = ()
    constant_s: float = 0.0
    application_s: float = 0.0

    def length_s(self, factor: float = 1.0) -> float:
        """Return how long it takes if all applications are stretched by a factor."""
        return self.constant_s + factor * self.application_s


@dataclass(frozen=True, slots=True)
class _Step:
    span: StepSpan
    constant_s: float
    application_s: float

    @property
    def work_began_at(self) -> datetime:
        """When its application took over from the start of its cluster."""
        return self.span.ended_at - timedelta(seconds=self.application_s)


def longest_path(
    spans: Sequence[StepSpan], application_s: Mapping[str, float] | None = None
) -> Path:
    """Return the path that an execution took as long as; an empty one without steps.

    Args:
        spans: of one execution; the parts of a step that ran again count as one.
        application_s: runtime of each cluster's application; what is not among them is constant.

    Raises:
        InvalidInput: if steps depend on each other in a circle.
    """
    steps = _steps(spans, application_s or {})
    before = {key: step.span.depends_on for key, step in steps.items()}
    return max(_longest(steps, before, 1.0).values(), key=Path.length_s, default=Path())


def allowed_runtimes(
    spans: Sequence[StepSpan],
    application_s: Mapping[str, float],
    sla_s: float,
    *,
    outside_s: float = 0.0,
) -> dict[str, float]:
    """Return how long each cluster's application may take, in seconds, at most the whole deadline.

    What is not the work of an application stays as it was: the start of its cluster, which is what
    comes before its last `application_s` seconds; waiting of one step for another; and the
    application's own idle time while other clusters' steps ran.

    Args:
        spans: of one execution; the parts of a step that ran again count as one.
        application_s: runtime of each cluster's application. A cluster without steps among
            `spans` may take the whole deadline.
        sla_s: deadline of the execution.
        outside_s: of the execution, before its first step and after its last.

    Raises:
        InvalidInput: if steps depend on each other in a circle.
    """
    steps = _steps(spans, application_s)
    left_s = sla_s - outside_s
    allowed = {}
    for key, runtime_s in application_s.items():
        own = [name for name, step in steps.items() if step.span.cluster_key == key]
        factor = min((_largest_factor(name, steps, left_s) for name in own), default=inf)
        busy_s = min(runtime_s, _busy_s(own, steps))
        stretched = inf if factor == inf else runtime_s + (factor - 1.0) * busy_s
        allowed[key] = max(LEAST_ALLOWED_S, min(stretched, sla_s))
    return allowed


def _steps(spans: Sequence[StepSpan], application_s: Mapping[str, float]) -> dict[str, _Step]:
    """Return the steps by key, each after all that it depends on, with its two parts."""
    merged = _merged(spans)
    if not merged:
        return {}
    first = min(span.started_at for span in merged.values())
    last_of: dict[str, datetime] = {}
    for span in merged.values():
        last_of[span.cluster_key] = max(last_of.get(span.cluster_key, first), span.ended_at)
    steps = {}
    for span in _in_order(merged):
        ready = max((merged[key].ended_at for key in span.depends_on), default=first)
        lag_s = max(0.0, _seconds(ready, span.started_at))
        before_end_s = _seconds(span.started_at, last_of[span.cluster_key])
        start_up_s = max(0.0, before_end_s - application_s.get(span.cluster_key, 0.0))
        work_s = max(0.0, span.duration_s - start_up_s)
        steps[span.step_key] = _Step(span, lag_s + span.duration_s - work_s, work_s)
    return steps


def _merged(spans: Sequence[StepSpan]) -> dict[str, StepSpan]:
    """Return one span a step, which depends on known steps only."""
    merged: dict[str, StepSpan] = {}
    for span in spans:
        same = merged.get(span.step_key, span)
        merged[span.step_key] = replace(
            span,
            started_at=min(span.started_at, same.started_at),
            ended_at=max(span.ended_at, same.ended_at),
            depends_on=tuple(dict.fromkeys(same.depends_on + span.depends_on)),
        )
    return {
        key: replace(span, depends_on=tuple(d for d in span.depends_on if d in merged))
        for key, span in merged.items()
    }


def _in_order(spans: Mapping[str, StepSpan]) -> list[StepSpan]:
    """Return the steps, each after those it depends on."""
    ordered: dict[str, StepSpan] = {}
    while len(ordered) < len(spans):
        ready = [
            span
            for key, span in spans.items()
            if key not in ordered and all(before in ordered for before in span.depends_on)
        ]
        if not ready:
            rest = ", ".join(key for key in spans if key not in ordered)
            raise InvalidInput(
                f"The steps {rest} depend on each other in a circle, so none could have begun. "
                "Collect the run again."
            )
        ordered |= {span.step_key: span for span in ready}
    return list(ordered.values())


def _largest_factor(key: str, steps: Mapping[str, _Step], sla_s: float) -> float:
    """Return by how much applications may be stretched before a path through a step is too long.

    0.0 where its constant part alone is too long; infinite where no application works in the step.
    """
    if steps[key].application_s <= 0.0:
        return inf
    factor, path = inf, _through(key, steps, 1.0)
    while factor > 0.0 and (factor == inf or path.length_s(factor) > sla_s + _ROUNDING_S):
        factor = max(0.0, (sla_s - path.constant_s) / path.application_s)
        path = _through(key, steps, factor)
    return factor


def _through(key: str, steps: Mapping[str, _Step], factor: float) -> Path:
    """Return the longest path through a step with all applications stretched by a factor."""
    after: dict[str, list[str]] = {name: [] for name in steps}
    for name, step in steps.items():
        for before in step.span.depends_on:
            after[before].append(name)
    until = _longest(steps, {k: s.span.depends_on for k, s in steps.items()}, factor)[key]
    since = _longest({k: steps[k] for k in reversed(list(steps))}, after, factor)[key]
    own = steps[key]
    return Path(
        (*until.step_keys, *reversed(since.step_keys[:-1])),
        until.constant_s + since.constant_s - own.constant_s,
        until.application_s + since.application_s - own.application_s,
    )


def _longest(
    steps: Mapping[str, _Step], before: Mapping[str, Collection[str]], factor: float
) -> dict[str, Path]:
    """Return the longest path that ends in each step; `steps` come after those before them."""
    longest: dict[str, Path] = {}
    for key, step in steps.items():
        rest = (longest[name] for name in before[key])
        best = max(rest, key=lambda path: path.length_s(factor), default=Path())
        longest[key] = Path(
            (*best.step_keys, key),
            best.constant_s + step.constant_s,
            best.application_s + step.application_s,
        )
    return longest


def _busy_s(keys: Collection[str], steps: Mapping[str, _Step]) -> float:
    """Return for how long any of some steps was at its application's work."""
    spans = sorted((steps[key].work_began_at, steps[key].span.ended_at) for key in keys)
    busy_s, until = 0.0, None
    for began, ended in spans:
        since = began if until is None else max(began, until)
        busy_s += max(0.0, _seconds(since, ended))
        until = ended if until is None else max(until, ended)
    return busy_s


def _seconds(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()
