"""Life-cycle tables: (state, event) → next state, or one error that tells the whole story."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar

from isocost.errors import IllegalTransition

State = TypeVar("State", bound=Enum)
Event = TypeVar("Event", bound=Enum)


def advance(
    table: Mapping[tuple[State, Event], State],
    state: State,
    event: Event,
    *,
    history: Sequence[Event] = (),
) -> State:
    """Return the state that `event` leads to.

    Raises:
        IllegalTransition: if the table has no entry; names the state, the event and up to the
            last ten events.
    """
    following = table.get((state, event))
    if following is None:
        allowed = sorted(e.value for s, e in table if s is state)
        past = ", ".join(e.value for e in history[-10:]) or "none recorded"
        raise IllegalTransition(
            f"{type(state).__name__} is '{state.value}', where '{event.value}' cannot happen. "
            f"Allowed here: {', '.join(allowed) or 'nothing, it is final'}. Last events: {past}. "
            "Please report this with the command that led to it."
        )
    return following
