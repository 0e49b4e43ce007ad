"""A policy's name and a seed in, the policy for one trial out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.rivals.bayes import Bayes
from isocost.jobbank.rivals.modelless import RandomSearch, Static
from isocost.model.history import Transfer
from isocost.recommend.engine import Engine
from isocost.recommend.policy import Policy

ENGINE: Final = "engine"
STATIC: Final = "static"

_MAKERS: Final[Mapping[str, Callable[[int, Transfer], Policy]]] = {
    ENGINE: lambda _, transfer: Engine(transfer),
    "bayes": lambda seed, _: Bayes(seed),
    "random": lambda seed, _: RandomSearch(seed),
    STATIC: lambda _, __: Static(),
}
_PREDICTING: Final = frozenset({ENGINE, "bayes"})

POLICIES: Final = tuple(_MAKERS)


def policy_named(name: str, *, seed: int, transfer: Transfer) -> Policy:
    """Return a policy; only the engine makes use of other workloads' runs.

    Args:
        name: one of `POLICIES`.
        seed: all chance of the policy follows from it.
        transfer: runs of other workloads.
    """
    return _MAKERS[name](seed, transfer)


def is_predicting(name: str) -> bool:
    """Return whether the policy's predictions come from a model."""
    return name in _PREDICTING


def check_policies(names: Sequence[str]) -> None:
    """Raise UnknownName or InvalidInput if these cannot be compared."""
    for name in names:
        if name not in _MAKERS:
            raise UnknownName(f"No policy is called {name!r}. Known: {', '.join(POLICIES)}.")
    if not names or len(set(names)) < len(names):
        raise InvalidInput(f"--policy takes each policy once; got {', '.join(names) or 'none'}.")
