"""A policy's name and a seed in; who chooses the clusters of a trial on a workspace, out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from isocost.domain.experiment import ColdStart
from isocost.domain.recommendation import Abstention
from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.measured.policies import POLICIES as SEARCHING
from isocost.jobbank.measured.policies import STATIC, policy_named
from isocost.model.history import NOTHING_TO_TRANSFER
from isocost.recommend.policy import Policy, Question

# Databricks' own remedy: the workers follow the load, and nothing else ever changes.
AUTOSCALING: Final = "autoscaling"
POLICIES: Final = (*SEARCHING, AUTOSCALING)


class Untouched:
    """Leaves the definition as it is, whatever its cluster scales to."""

    def advise(self, question: Question) -> Abstention:
        """Decline."""
        count = len(question.history)
        return Abstention(f"this policy never changes the cluster; it has seen {count} runs")


def policy_of(name: str, seed: int) -> Policy:
    """Return one of `POLICIES`, whose chance follows from `seed`."""
    if name in {STATIC, AUTOSCALING}:
        return Untouched()
    return policy_named(name, seed=seed, transfer=NOTHING_TO_TRANSFER)


def check_policies(names: Sequence[str]) -> None:
    """Raise UnknownName or InvalidInput if these cannot be compared."""
    for name in names:
        if name not in POLICIES:
            raise UnknownName(f"No policy is called {name!r}. Known: {', '.join(POLICIES)}.")
    if not names or len(set(names)) < len(names):
        raise InvalidInput(f"--policy takes each policy once; got {', '.join(names) or 'none'}.")


def begun_on(start: ColdStart, policy: str) -> ColdStart:
    """Return the cluster that a policy begins on; one of Databricks' scaling has 1 worker on."""
    if policy != AUTOSCALING or start.shape is None or start.spec.worker_count == 1:
        return start
    return replace(start, shape=replace(start.shape, least_worker_count=1))
