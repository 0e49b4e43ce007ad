"""What a project's runs say to the model: one observation a run, with or without an event log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import inf, isfinite
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.profile import RunProfile
from isocost.errors import InvalidInput

# Numbers by name, of one run: arguments, features of what it reads.
Inputs = tuple[tuple[str, float], ...]


class Ending(Enum):
    """How a run ended, as far as its runtime is concerned."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # out of memory, lost executors, an application error
    TIMED_OUT = "timed_out"  # was stopped: its runtime is only known to be longer


@dataclass(frozen=True, slots=True)
class Observation:
    """One run as the model learns from it; a run without an event log still counts.

    Attributes:
        spec: the cluster it ran on.
        runtime_s: of the application; of a failed or stopped run until then, or None.
        input_bytes: how much the run read, where that is known.
        working_set_gib: memory in which all that the run caches and shuffles fits, over all
            nodes; 0.0 where more memory is known not to help, None where nothing is known.
        is_disturbed: lost executors or retries made it slower than such a run is.
        profile: numbers of its event log, if there is one.
        inputs: what else changes between runs by name: arguments, features of what is read.
    """

    run_id: str
    spec: ClusterSpec
    runtime_s: float | None
    ending: Ending = Ending.SUCCEEDED
    input_bytes: float | None = None
    working_set_gib: float | None = None
    is_disturbed: bool = False
    profile: RunProfile | None = None
    inputs: Inputs = ()

    def __post_init__(self) -> None:
        is_known = self.runtime_s is not None or self.ending is Ending.FAILED
        if not is_known or (self.runtime_s is not None and not _is_positive(self.runtime_s)):
            raise InvalidInput(
                f"Run {self.run_id} has a runtime of {self.runtime_s} s; a runtime is finite and "
                "above 0. Remove the run, or ingest its event log again."
            )
        self._check_amount("input_bytes", self.input_bytes)
        self._check_amount("working_set_gib", self.working_set_gib)
        if not all(isfinite(value) for _, value in self.inputs):
            raise InvalidInput(
                f"Run {self.run_id} has the inputs {dict(self.inputs)}; they are finite numbers. "
                "Leave out what is not known."
            )

    def _check_amount(self, name: str, amount: float | None) -> None:
        if amount is not None and not 0 <= amount < inf:
            raise InvalidInput(
                f"Run {self.run_id} has {name} = {amount}; it is finite and 0 or more. Leave it "
                "out where it is not known."
            )


@dataclass(frozen=True, slots=True)
class Transfer:
    """Histories of other projects that a project with few runs of its own may learn from.

    Attributes:
        node_types: that these runs name.
        same_program: of the same program at other input sizes, a sequence each.
        other_programs: of anything else, a sequence each; only what all programs share is taken.
    """

    same_program: Sequence[Sequence[Observation]] = ()
    other_programs: Sequence[Sequence[Observation]] = ()
    node_types: Sequence[NodeType] = ()


def with_likely_inputs(history: Sequence[Observation]) -> list[Observation]:
    """Return runs of unknown input with that of the run before them, or else after them.

    Data change less from one run to the next than in a project's life. Taken to have read what the
    next run will, a run without an event log would promise its runtime for data that have doubled.

    Args:
        history: oldest first; where no run's input is known, all stay as they are.
    """
    known = next((o.input_bytes for o in history if o.input_bytes), None)
    found = []
    for observation in history:
        known = observation.input_bytes or known
        found.append(replace(observation, input_bytes=known))
    return found


def given_up(runs: Iterable[tuple[ClusterSpec, bool]]) -> frozenset[ClusterSpec]:
    """Return the clusters not tried again: neither of their last two runs succeeded.

    One failure among successes may be bad luck, a lost spot node for one; two in a row are not.

    Args:
        runs: oldest first, each with whether it succeeded.
    """
    outcomes: dict[ClusterSpec, list[bool]] = {}
    for spec, has_succeeded in runs:
        outcomes.setdefault(spec, []).append(has_succeeded)
    return frozenset(spec for spec, succeeded in outcomes.items() if not any(succeeded[-2:]))


NOTHING_TO_TRANSFER: Final = Transfer()


def _is_positive(value: float) -> bool:
    return isfinite(value) and value > 0
