"""The product's own policy: a model of each project, and a search that few runs suffice for."""

from collections.abc import Sequence
from math import isfinite
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Phase
from isocost.domain.recommendation import Abstention, ConsideredCandidate, Evidence
from isocost.errors import InvalidInput
from isocost.model.history import NOTHING_TO_TRANSFER, Ending, Transfer, given_up
from isocost.model.project import ProjectModel
from isocost.model.transfer import Learned, learn
from isocost.recommend.explain import Considered, explain, reason_for
from isocost.recommend.foretell import Terms, foretell
from isocost.recommend.outlook import IMPLICIT_SLA_FACTOR, Deadline, look_out
from isocost.recommend.phases import phase_after, turn
from isocost.recommend.policy import Advice, Question
from isocost.recommend.search import NOTHING_UNTRIED, RULES, Move, Step, next_step, rules_for
from isocost.recommend.tradeoff import front, thinned

# Enough to see which limits bite; a large space has thousands, all for the same reasons.
MAX_STORED_REJECTIONS: Final = 20
# A curve that a reader takes in at a glance.
TRADEOFF_POINTS: Final = 8
NEXT_BEST: Final = 3
_NONE_LEFT: Final = (
    "A run failed on every cluster within the limits, so none of them can be named. Look at the "
    "failures, or widen the limits."
)
_NO_MOVES: Final = frozenset({Move.EXPLOIT, Move.ENDURE})


class Engine:
    """Learns from a project's runs, explores while that pays, and then stays on the best."""

    def __init__(self, transfer: Transfer = NOTHING_TO_TRANSFER) -> None:
        """Take over what other projects teach."""
        self._learned = learn(transfer)

    def advise(self, question: Question) -> Advice | Abstention:
        """Return the cluster of the next run, or why none can be named.

        Raises:
            InvalidInput: if the history is empty, or no candidate is left.
        """
        _check(question)
        if not any(o.runtime_s and o.ending is not Ending.FAILED for o in question.history):
            return Abstention(_all_failed(question))
        failed = _failed_on(question)
        if all(spec in failed for spec in question.space.candidates):
            return Abstention(_NONE_LEFT)
        return _Choice(question, self._learned).advice()


class _Choice:
    """One answer in the making."""

    def __init__(self, question: Question, learned: Learned) -> None:
        self._question = question
        self._turn = turn(question.phase, question.history, news=question.news)
        self._deadline = _deadline(question)
        asked = self._deadline if self._deadline and self._deadline.is_asked_for else None
        self._terms = Terms(
            question.node_types,
            question.overhead_s,
            asked.max_runtime_s if asked else None,
            question.purchase,
        )
        self._model = ProjectModel(
            question.history,
            space=question.space.candidates,
            node_types=question.node_types,
            learned=learned,
            input_bytes=question.input_bytes,
            inputs=question.inputs or (),
        )
        self._outlook = look_out(
            self._model,
            question.space.candidates,
            self._terms,
            deadline=self._deadline,
            failed=_failed_on(question) | self._out_of_sight(),
        )

    def _out_of_sight(self) -> frozenset[ClusterSpec]:
        """Return, for a search that never repeats, what ran too long ago for the model."""
        if not self._question.aims.is_endless:
            return frozenset()
        seen = {one.spec for one in self._model.seen()}
        return frozenset(o.spec for o in self._question.history) - seen

    def advice(self) -> Advice:
        """Return the choice with its evidence."""
        step = self._step()
        spec = self._spec_of(step)
        phase = phase_after(step.move, self._turn.phase)
        considered = self._considered(spec)
        chosen = considered[0]
        sla = self._question.sla
        context = Considered(
            step,
            chosen,
            considered[1 : NEXT_BEST + 1],
            sla,
            self._outlook,
            self._turn.reason,
            self._question.deadline_s,
        )
        rejections = self._question.space.rejections
        evidence = Evidence(
            history_run_ids=tuple(o.run_id for o in self._question.history),
            replay_error_fraction=self._model.replay_error_fraction,
            reason=reason_for(context),
            meets_sla=_meets(chosen, sla.asked_probability if sla else None),
            considered=tuple(considered),
            rejections=rejections[:MAX_STORED_REJECTIONS],
            further_rejection_count=max(0, len(rejections) - MAX_STORED_REJECTIONS),
            candidate_count=len(self._question.space.candidates),
            tradeoff=self._tradeoff(),
            explanation=explain(context, self._question.history),
        )
        return Advice(spec, chosen.prediction, evidence, phase)

    def _step(self) -> Step:
        question, outlook = self._question, self._outlook
        aims = question.aims
        untried = outlook.untried
        is_settled = self._turn.phase is Phase.OPTIMIZING and not aims.is_endless
        if outlook.tried.is_in_time.any() and (is_settled or self._is_budget_spent()):
            untried = NOTHING_UNTRIED
        return next_step(
            untried,
            outlook.tried,
            horizon_runs=aims.horizon_runs,
            rules=rules_for(question.sla.miss_fraction) if question.sla else RULES,
            is_endless=aims.is_endless,
        )

    def _is_budget_spent(self) -> bool:
        """Return whether exploring has cost as much beyond the baseline as it may."""
        budget = self._question.aims.exploration_budget
        timed = [o for o in self._question.history if o.runtime_s]
        if budget is None or not timed:
            return False
        rates = self._terms.usd_per_s([o.spec for o in timed])
        usd = rates * np.array([(o.runtime_s or 0.0) + self._terms.overhead_s for o in timed])
        return float(np.maximum(usd - usd[0], 0.0).sum()) >= budget * float(usd[0])

    def _spec_of(self, step: Step) -> ClusterSpec:
        if step.move in _NO_MOVES:
            return self._outlook.seen[step.place].spec
        return self._outlook.specs[step.place]

    def _considered(self, spec: ClusterSpec) -> list[ConsideredCandidate]:
        """Return the chosen candidate, the next best by expected cost, and the curve."""
        space = self._question.space.candidates
        by_cost = np.argsort(self._outlook.rough_cost_usd, kind="stable")
        next_best = [space[place] for place in by_cost[: NEXT_BEST + 1] if space[place] != spec]
        wanted = dict.fromkeys([spec, *next_best[:NEXT_BEST], *self._tradeoff()])
        return foretell(self._model, list(wanted), self._terms)

    def _tradeoff(self) -> tuple[ClusterSpec, ...]:
        outlook, space = self._outlook, self._question.space.candidates
        places = thinned(front(outlook.rough_runtime_s, outlook.rough_cost_usd), TRADEOFF_POINTS)
        return tuple(space[place] for place in places)


def _failed_on(question: Question) -> frozenset[ClusterSpec]:
    """Return the clusters that are not tried again."""
    return given_up((o.spec, o.ending is Ending.SUCCEEDED) for o in question.history)


def _check(question: Question) -> None:
    if not question.history:
        raise InvalidInput("There is no run to learn from yet. Run the project once.")
    if not question.space.candidates:
        raise InvalidInput(
            "No candidate is left: every cluster was rejected by a limit. Widen the limits."
        )
    if not isfinite(question.overhead_s) or question.overhead_s < 0:
        raise InvalidInput(
            f"A cluster is paid for {question.overhead_s} s beyond its application; that is "
            "0 s or more. Correct the cluster timelines."
        )


def _deadline(question: Question) -> Deadline | None:
    """Return the user's deadline, or the implicit one that keeps trials from being outrageous."""
    if question.sla is not None:
        return Deadline(question.sla.max_runtime_s, question.sla.miss_fraction, is_asked_for=True)
    first_s = next((o.runtime_s for o in question.history if o.ending is Ending.SUCCEEDED), None)
    if question.aims.is_endless or first_s is None:
        return None
    return Deadline(first_s * IMPLICIT_SLA_FACTOR, 0.5, is_asked_for=False)


def _meets(chosen: ConsideredCandidate, asked_probability: float | None) -> bool:
    probability = chosen.prediction.sla_probability
    if asked_probability is None or probability is None:
        return True
    return probability >= asked_probability


def _all_failed(question: Question) -> str:
    """Return why nothing is recommended, and what to try."""
    tried = {o.spec for o in question.history}
    types = {t.node_type_id: t for t in question.node_types}

    def memory(spec: ClusterSpec) -> tuple[float, float]:
        node_type = types[spec.node_type_id]
        in_sum = node_type.memory_gib * spec.worker_count
        return node_type.memory_gib / node_type.cores, in_sum

    untried: Sequence[ClusterSpec] = [s for s in question.space.candidates if s not in tried]
    count = len(question.history)
    failed = "The only run failed" if count == 1 else f"None of the {count} runs succeeded"
    said = f"{failed}, so nothing is known of the runtime."
    if not untried:
        return f"{said} Every cluster within the limits has been tried: look at the failures."
    roomiest = max(untried, key=memory)
    per_core, in_sum = memory(roomiest)
    return (
        f"{said} If they ran out of memory, try {roomiest}: with {per_core:.1f} GiB a core and "
        f"{in_sum:.0f} GiB in sum it has the most of all clusters not tried yet."
    )
