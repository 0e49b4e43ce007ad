"""A run and its forerunners in; how far it was from what was expected, and why, out.

Each suspect i should have moved the logarithm of the runtime by m_i, give or take s_i; so should
a wrong model (0, its sd) and chance (0, the noise of runs). Given the deviation d = Σ e_i, the
effects are normal with means

    e_i = m_i + s_i² / Σ s² · (d − Σ m)

(Bishop, Pattern Recognition and Machine Learning, 2.3.3), and each share is |e_i| over their sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.model.history import Ending, Observation
from isocost.model.transfer import NOTHING_LEARNED, Learned
from isocost.recommend.expectation import Expectation, Ground, Usual, expect, usual_input
from isocost.recommend.suspects import (
    Comparison,
    Forerunner,
    Suspect,
    change_suspects,
    data_suspect,
    spot_suspect,
)
from isocost.recommend.work import work_of
from isocost.units import PERCENT

# What happened longer ago says little of today, and the model's time grows with it.
MOST_RUNS: Final = 40
# Logs that work is compared with: a week of daily runs and some more, so that what a weekday does
# otherwise has been seen.
MOST_LOGS: Final = 10
# Ends of a 95 % interval, in standard deviations.
INTERVAL_95_SDS: Final = 1.96
# Shares that no person would want to read of.
LEAST_FRACTION: Final = 0.02


@dataclass(frozen=True, slots=True)
class Witness:
    """What is known of one run.

    Attributes:
        observation: with its profile, where that is at hand.
        spot_loss_count: nodes that the cloud says it took away.
    """

    observation: Observation
    spot_loss_count: int = 0


def attribute(
    newest: Witness,
    history: Sequence[Witness],
    *,
    space: Sequence[ClusterSpec],
    node_types: Sequence[NodeType],
    learned: Learned = NOTHING_LEARNED,
) -> Deviation | None:
    """Return the run's deviation with its causes; None where nothing could be expected of it.

    Args:
        newest: the run; one that failed is compared by what it read and ran, not by its time.
        history: runs before it, oldest first; profiles are needed of the newest ten only.
        space: candidates, which set the scale of the model's priors.
        node_types: of all clusters.
        learned: from other projects.

    Raises:
        InvalidInput: if a cluster is of another node type.
    """
    if newest.observation.runtime_s is None:
        return None
    forerunners = [witness.observation for witness in history[-MOST_RUNS:]]
    logs = _Logs(newest.observation, forerunners, node_types)
    mine, before = logs.sized(newest.observation), [logs.sized(o) for o in forerunners]
    comparison = logs.comparison()
    usual = usual_input(mine.input_bytes, [o.input_bytes for o in before])
    expected = expect(
        mine,
        before,
        usual=usual,
        alike=comparison.alike() if comparison is not None else frozenset(),
        ground=Ground(space, node_types, learned),
    )
    if expected is None:
        return None
    suspects = _suspects(comparison, usual, expected)
    spot = spot_suspect(comparison, newest.spot_loss_count, node_types)
    suspects += [spot] if spot is not None else []
    return _deviation(mine, expected, suspects, chance=_chance(mine, expected))


def _suspects(comparison: Comparison | None, usual: Usual, expected: Expectation) -> list[Suspect]:
    data = data_suspect(usual, expected.slope)
    changes = [] if comparison is None else change_suspects(comparison, expected.peer_ids)
    return changes if data is None else [data, *changes]


def _deviation(
    mine: Observation,
    expected: Expectation,
    suspects: Sequence[Suspect],
    *,
    chance: Sequence[Suspect],
) -> Deviation:
    actual_s = mine.runtime_s or exp(expected.log_s)
    apart = log(actual_s) - expected.log_s
    if mine.ending is not Ending.SUCCEEDED:
        # When it would have ended is not known, so it is what the suspects make of it.
        apart = sum(s.mean for s in suspects)
    sds = apart / expected.sd
    is_far = mine.ending is Ending.SUCCEEDED and abs(sds) > INTERVAL_95_SDS
    is_anomaly = is_far or any(s.is_certain for s in suspects)
    shares = _shares(apart, suspects, chance, is_far=is_far) if is_anomaly else ()
    return Deviation(exp(expected.log_s), actual_s, sds, is_anomaly, shares)


def _shares(
    apart: float, suspects: Sequence[Suspect], chance: Sequence[Suspect], *, is_far: bool
) -> tuple[Share, ...]:
    """Return the suspects' effects; chance is told of only where it may have moved the run far."""
    every = [*suspects, *chance]
    rest = apart - sum(s.mean for s in every)
    variance = sum(s.sd**2 for s in every) or 1.0
    effects = [(s, s.mean + s.sd**2 / variance * rest) for s in (every if is_far else suspects)]
    whole = sum(abs(effect) for _, effect in effects)
    found = [
        (suspect, effect, abs(effect) / whole if whole else 1.0 / len(effects))
        for suspect, effect in effects
    ]
    told = sum(part for _, _, part in found if part >= LEAST_FRACTION)
    shares = [
        Share(suspect.cause, part / told, effect, suspect.detail)
        for suspect, effect, part in found
        if part >= LEAST_FRACTION
    ]
    return tuple(sorted(shares, key=lambda share: -share.fraction))


def _chance(mine: Observation, expected: Expectation) -> list[Suspect]:
    """Return what is always among the suspects: a wrong model, and noise."""
    count = len(expected.peer_ids)
    said = f"{count} runs of it say so" if count else "it was foretold from other clusters"
    model = f"{mine.spec} was expected to take {exp(expected.log_s):.0f} s; {said}"
    noise = f"equal runs scatter by {PERCENT * expected.noise_sd:.1f} %"
    return [
        Suspect(CauseOfDeviation.MODEL, 0.0, expected.model_sd, False, model),
        Suspect(CauseOfDeviation.NOISE, 0.0, expected.noise_sd, False, noise),
    ]


class _Logs:
    """The work that the newest logs tell of, by run."""

    def __init__(
        self, mine: Observation, before: Sequence[Observation], node_types: Sequence[NodeType]
    ) -> None:
        self._mine = mine
        logged = [o for o in before if o.profile is not None and o.ending is Ending.SUCCEEDED]
        self._known = {
            o.run_id: forerunner
            for o in [*logged[-MOST_LOGS:], mine]
            if (forerunner := _forerunner(o, node_types)) is not None
        }

    def comparison(self) -> Comparison | None:
        """Return the run beside those before it; None where too little is known."""
        before = [each for run_id, each in self._known.items() if run_id != self._mine.run_id]
        mine = self._known.get(self._mine.run_id)
        return Comparison(mine, before) if mine is not None and before else None

    def sized(self, observation: Observation) -> Observation:
        """Return the run with the size of its input as the log tells it.

        What a full cache made it read again does not count; of a run with a cache whose log is
        not at hand, it cannot be told apart.
        """
        known = self._known.get(observation.run_id)
        if known is not None:
            read_bytes = known.work.read_bytes or observation.input_bytes
            return replace(observation, input_bytes=read_bytes)
        has_cache = any(each.profile.cached_rdds for each in self._known.values())
        return replace(observation, input_bytes=None) if has_cache else observation


def _forerunner(observation: Observation, node_types: Sequence[NodeType]) -> Forerunner | None:
    profile = observation.profile
    if profile is None or not profile.stages:
        return None
    work = work_of(profile, node_type_of(observation.spec, node_types))
    return Forerunner(observation.run_id, observation.spec, profile, work)
