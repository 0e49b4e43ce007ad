"""A model and a candidate space in; what was tried and what is foretold, as arrays, out."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from isocost.domain.cluster import ClusterSpec
from isocost.model.mixture import Mixture
from isocost.model.points import Floats, Points
from isocost.model.project import ProjectModel, Seen
from isocost.recommend.foretell import Terms
from isocost.recommend.search import LEAST_USD, Tried, Untried

Places = npt.NDArray[np.intp]

# Candidates that the whole mixture is asked about; of a larger space, those that a rough look
# found best by gain, by chance and by cost.
FEW: Final = 400
SHORTLIST: Final = 100
# Without a deadline of the user's, none of the trials should take more than three times as long
# as the job does today; with a chance of 0.7, since nobody asked for certainty.
IMPLICIT_SLA_FACTOR: Final = 3.0
IMPLICIT_SLA_CHANCE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Deadline:
    """The longest a run may take, and whether the user asked for it.

    Attributes:
        miss_fraction: how often it may be missed.
    """

    max_runtime_s: float
    miss_fraction: float
    is_asked_for: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the search chooses from.

    Attributes:
        seen: clusters of the space that succeeded, in the order of `tried`.
        specs: of the candidates in `untried`.
        rough_runtime_s, rough_cost_usd: (candidates,), of the whole space, what was seen of a
            cluster in place of what the model says of it.
    """

    seen: Sequence[Seen]
    tried: Tried
    specs: Sequence[ClusterSpec]
    untried: Untried
    rough_runtime_s: Floats
    rough_cost_usd: Floats


def look_out(
    model: ProjectModel,
    space: Sequence[ClusterSpec],
    terms: Terms,
    *,
    deadline: Deadline | None,
    failed: frozenset[ClusterSpec],
) -> Outlook:
    """Return what was seen and what is foretold of the rest.

    Args:
        model: of the project.
        space: all candidates.
        terms: of the predictions.
        deadline: if there is one.
        failed: clusters on which a run failed; they are not tried again.
    """
    place_of = _places_of({*failed, *(s.spec for s in model.seen())}, space)
    seen = [s for s in model.seen() if s.spec in place_of and s.spec not in failed]
    rates = terms.usd_per_s(space)
    tried = _tried(
        seen,
        rates[[place_of[s.spec] for s in seen]],
        overhead_s=terms.overhead_s,
        deadline=deadline,
    )
    best_usd = float(np.where(tried.is_in_time, tried.usd, np.inf).min(initial=np.inf))
    is_open = np.ones(len(space), dtype=bool)
    is_open[list(place_of.values())] = False
    places = np.flatnonzero(is_open)
    view = _View(model, model.space_points, rates, terms, deadline, best_usd)
    rough_s, places = view.narrowed(places)
    for one in seen:
        rough_s[place_of[one.spec]] = np.exp(one.log_s)
    return Outlook(
        seen=seen,
        tried=tried,
        specs=[space[place] for place in places.tolist()],
        untried=view.untried(places, model.predict(model.space_points.take(places))),
        rough_runtime_s=rough_s,
        rough_cost_usd=(rough_s + terms.overhead_s) * rates,
    )


def _places_of(specs: Set[ClusterSpec], space: Sequence[ClusterSpec]) -> dict[ClusterSpec, int]:
    """Return where in the space specs are; those outside are left out."""
    # To hash every spec of a large space would take as long as to predict it roughly.
    types = {spec.node_type_id for spec in specs}
    return {s: place for place, s in enumerate(space) if s.node_type_id in types and s in specs}


@dataclass(frozen=True, slots=True)
class _View:
    """How candidates look from what is known; `rates` is (candidates,) in USD per second."""

    model: ProjectModel
    points: Points
    rates: Floats
    terms: Terms
    deadline: Deadline | None
    best_usd: float

    def narrowed(self, places: Places) -> tuple[Floats, Places]:
        """Return a rough runtime of every candidate, and the places worth a closer look."""
        if len(self.points) <= FEW:
            return np.exp(self.model.predict(self.points).moments()[0]), places
        mixture = self.model.posterior.predict_roughly(self.points)
        rough_s = np.exp(mixture.moments()[0])
        if not len(places):
            return rough_s, places
        untried = self.untried(places, mixture.take(places))
        chance = 1.0 - untried.miss_probability
        orders = (
            untried.gain_usd * chance,
            chance / np.sqrt(untried.expected_usd),
            -untried.expected_usd - np.where(chance < 0.5, np.inf, 0.0),
        )
        best = [np.argsort(-order, kind="stable")[:SHORTLIST] for order in orders]
        return rough_s, places[np.unique(np.concatenate(best))]

    def untried(self, places: Places, mixture: Mixture) -> Untried:
        """Return the candidates at some places, given what the model says of them."""
        rates, overhead_s = self.rates[places], self.terms.overhead_s
        failure = self.model.probability_of_failure(self.points.take(places))
        miss = 1.0 - (1.0 - failure) * self._chance_in_time(mixture)
        gain = np.zeros(len(places))
        if np.isfinite(self.best_usd):
            # What is paid beyond the runtime leaves so much less to improve on.
            left = np.maximum(self.best_usd - rates * overhead_s, LEAST_USD)
            gain = mixture.expected_gain(np.log(np.maximum(rates, LEAST_USD)), left)
        expected_s = mixture.expected_s()
        return Untried((expected_s + overhead_s) * rates, gain, miss, expected_s)

    def _chance_in_time(self, mixture: Mixture) -> Floats:
        if self.deadline is None:
            return np.ones(mixture.mean.shape[1])
        chance = mixture.probability_below(np.log(self.deadline.max_runtime_s))
        if self.deadline.is_asked_for:
            return chance
        # Nobody priced this deadline: it only rules out.
        return np.where(chance >= IMPLICIT_SLA_CHANCE, 1.0, 0.0)


def _tried(
    seen: Sequence[Seen], rates: Floats, *, overhead_s: float, deadline: Deadline | None
) -> Tried:
    log_s = np.array([s.log_s for s in seen])
    runtime_s = np.exp(log_s)
    is_in_time = np.ones(len(seen), dtype=bool)
    if deadline is not None and deadline.is_asked_for:
        sd = np.array([s.sd for s in seen])
        chance = ndtr((np.log(deadline.max_runtime_s) - log_s) / sd)
        is_in_time = chance >= 1.0 - deadline.miss_fraction
    return Tried((runtime_s + overhead_s) * rates, runtime_s, is_in_time)
