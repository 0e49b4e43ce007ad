"""Changes: one write to a definition in a workspace, from its plan to what came of it.

planned ──confirm──▶ made
    ├────conflict──▶ conflicted     somebody else changed the definition; theirs counts
    └────refuse────▶ refused        the workspace or a policy forbids it
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final

from isocost.domain.lifecycle import advance


class ChangeKind(StrEnum):
    """What a change is for."""

    SET_UP = "set_up"
    APPLY = "apply"
    ROLL_BACK = "roll_back"
    RESTORE = "restore"


class ChangeState(Enum):
    """Where a change stands."""

    PLANNED = "planned"
    MADE = "made"
    CONFLICTED = "conflicted"
    REFUSED = "refused"


class ChangeEvent(Enum):
    """What can happen to a change."""

    CONFIRM = "confirm"
    CONFLICT = "conflict"
    REFUSE = "refuse"


NEXT_CHANGE_STATE: Final[Mapping[tuple[ChangeState, ChangeEvent], ChangeState]] = {
    (ChangeState.PLANNED, ChangeEvent.CONFIRM): ChangeState.MADE,
    (ChangeState.PLANNED, ChangeEvent.CONFLICT): ChangeState.CONFLICTED,
    (ChangeState.PLANNED, ChangeEvent.REFUSE): ChangeState.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One write.

    Attributes:
        definition_id: what the workspace calls the definition.
        recommendation_ids: applied, or rolled back, by it.
        before, after: the definition's settings as JSON text; what was read, and what is written.
        difference: for people, a line for each value that changes.
        detail: what came of it, in one sentence.
    """

    change_id: str
    project_id: str
    kind: ChangeKind
    definition_id: str
    before: str
    after: str
    planned_at: datetime
    recommendation_ids: tuple[str, ...] = ()
    difference: tuple[str, ...] = ()
    state: ChangeState = ChangeState.PLANNED
    made_at: datetime | None = None
    detail: str = ""

    def ended(self, event: ChangeEvent, detail: str, *, now: datetime) -> "Change":
        """Return this change once `event` has happened; raises IllegalTransition."""
        state = advance(NEXT_CHANGE_STATE, self.state, event)
        return replace(self, state=state, detail=detail, made_at=now)
