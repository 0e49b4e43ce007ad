"""A project's phase and its history in; the phase of the next run, with the reason, out.

    learning ──the search has nothing left that pays──▶ optimizing
    optimizing ──two runs in a row unlike those before──▶ rebasing ──as above──▶ optimizing
    optimizing, rebasing ──other input, code or prices, no run in time──▶ learning

The table itself is `domain.project.NEXT_PHASE`; this file only says what happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isocost.domain.lifecycle import advance
from isocost.domain.project import NEXT_PHASE, Phase, PhaseEvent
from isocost.model.epochs import epochs_of
from isocost.model.history import Observation
from isocost.model.log_evidence import has_other_code
from isocost.recommend.search import Move
from isocost.units import PERCENT

# Beyond the input sizes seen, a model extrapolates: by half as much again it may already be wrong
# by the 7 to 20 % that its slope's uncertainty of 0.4 makes of it.
INPUT_JUMP: Final = 1.5


@dataclass(frozen=True, slots=True)
class Turn:
    """A phase and, if it has just begun, why."""

    phase: Phase
    reason: str | None = None


def turn(phase: Phase, history: Sequence[Observation], *, news: str | None = None) -> Turn:
    """Return the phase that the history and other news put the project in.

    Args:
        phase: that it was in until now.
        history: oldest first.
        news: a reason to learn again that the history does not show.
    """
    if phase is Phase.LEARNING or len(history) < 2:
        return Turn(phase)
    reason = news or _other_input(history) or _other_code(history)
    if reason is not None:
        return Turn(advance(NEXT_PHASE, phase, PhaseEvent.RENEW), reason)
    epochs = epochs_of(history)
    if phase is Phase.OPTIMIZING and epochs[-2] == 0 and len(epochs) > 2 and epochs[-3] != 0:
        after = advance(NEXT_PHASE, phase, PhaseEvent.DRIFT)
        return Turn(after, "the last two runs took another time than runs of this cluster before")
    return Turn(phase)


def phase_after(move: Move, phase: Phase) -> Phase:
    """Return the phase that a move leads to.

    Staying on the best settles a project; having to recover the deadline unsettles it.
    """
    if move is Move.EXPLOIT and phase is not Phase.OPTIMIZING:
        return advance(NEXT_PHASE, phase, PhaseEvent.SETTLE)
    if move is Move.RECOVER and phase is Phase.OPTIMIZING:
        return advance(NEXT_PHASE, phase, PhaseEvent.RENEW)
    return phase


def _other_input(history: Sequence[Observation]) -> str | None:
    newest = history[-1].input_bytes
    before = [o.input_bytes for o in history[:-1] if o.input_bytes]
    if not newest or not before:
        return None
    if max(before) * INPUT_JUMP < newest or newest < min(before) / INPUT_JUMP:
        nearest = max(before) if newest > max(before) else min(before)
        return f"the input is {newest / nearest * PERCENT:.0f} % of what runs read before"
    return None


def _other_code(history: Sequence[Observation]) -> str | None:
    if has_other_code(history[-1].profile, history[-2].profile):
        return "the program or its Spark version changed"
    return None
