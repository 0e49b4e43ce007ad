"""The question a policy answers, and its answer: the port between the closed loop and a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.project import Phase, Sla
from isocost.domain.recommendation import Abstention, Evidence, Prediction
from isocost.model.history import Inputs, Observation
from isocost.pricing.purchase import MACHINES_BY_THE_SECOND, Purchase
from isocost.space.candidates import CandidateSpace

# Runs that an improvement is expected to be enjoyed for: five working weeks of a daily job. Its
# effect was measured: stopping when 25 runs cannot pay an exploration back is near the optimum
# for every horizon from 10 to 50 on the Scout data set.
DEFAULT_HORIZON_RUNS: Final = 25


@dataclass(frozen=True, slots=True)
class SearchAims:
    """What a project wants of the search.

    Attributes:
        horizon_runs: how many runs an improvement is expected to be enjoyed for.
        exploration_budget: the most that exploring may cost in all, beyond what the same runs on
            the baseline would have, in runs of the baseline; None for no limit.
        is_endless: go on exploring clusters never tried, whatever it costs; for measuring a
            search, never for production.
    """

    horizon_runs: int = DEFAULT_HORIZON_RUNS
    exploration_budget: float | None = None
    is_endless: bool = False


DEFAULT_AIMS: Final = SearchAims()


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a recommendation depends on.

    Attributes:
        history: runs of this cluster, oldest first, failed ones included.
        space: the candidates.
        node_types: of the candidates and of the history.
        sla: None where the user has set none.
        phase: that the project is in.
        overhead_s: how long the cluster is paid for beyond the application's runtime.
        input_bytes: expected of the next run; None for as much as the newest run read.
        inputs: numeric arguments of the next run by name; None for the newest run's.
        purchase: how clusters are bought.
        news: what else has changed, such as prices or the deadline; a reason to learn again.
        deadline_s: of the whole project, where `sla` is the share of it that start-up and other
            steps leave to this cluster's application; told to people, nothing is chosen by it.
    """

    history: Sequence[Observation]
    space: CandidateSpace
    node_types: Sequence[NodeType]
    sla: Sla | None = None
    phase: Phase = Phase.LEARNING
    aims: SearchAims = DEFAULT_AIMS
    overhead_s: float = 0.0
    input_bytes: float | None = None
    inputs: Inputs | None = None
    purchase: Purchase = MACHINES_BY_THE_SECOND
    news: str | None = None
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """The chosen spec, what is predicted of it, why it was chosen, and the phase this begins."""

    spec: ClusterSpec
    prediction: Prediction
    evidence: Evidence
    phase: Phase


class Policy(Protocol):
    """Chooses the cluster of the next run; the same question always gets the same answer."""

    def advise(self, question: Question) -> Advice | Abstention:
        """Return the choice with its evidence, or why there is none.

        Raises:
            InvalidInput: if the history is empty, or no candidate is left.
        """
        ...
