"""What a user allows the product to do to one project."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Final

from isocost.errors import InvalidInput

# Autoscaling clusters of recurring jobs seldom exceed this; raise it with `project set`.
DEFAULT_MAX_WORKERS: Final = 32
_HOURS: Final = 24
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Field(StrEnum):
    """What of a cluster can be pinned: it stays as it is."""

    NODE_TYPE = "node_type"
    WORKER_COUNT = "worker_count"


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """When definitions may be changed: on these days, from hour to hour, in UTC.

    Attributes:
        weekdays: 0 for Monday to 6 for Sunday.
        begin_hour: 0 to 23.
        end_hour: 1 to 24, above `begin_hour`.
    """

    weekdays: tuple[int, ...]
    begin_hour: int = 0
    end_hour: int = _HOURS

    def __post_init__(self) -> None:
        are_days = bool(self.weekdays) and all(0 <= day < 7 for day in self.weekdays)
        if not are_days or not 0 <= self.begin_hour < self.end_hour <= _HOURS:
            raise InvalidInput(
                "A change window takes days from 0 (Monday) to 6 and two hours of one day, the "
                f"first before the second; got days {self.weekdays}, {self.begin_hour} to "
                f"{self.end_hour}. Split a window that crosses midnight into two."
            )

    def __str__(self) -> str:
        days = ",".join(_DAYS[day] for day in self.weekdays)
        return f"{days} {self.begin_hour}-{self.end_hour} UTC"

    def is_open_at(self, when: datetime) -> bool:
        """Whether the window is open; `when` is in UTC."""
        return when.weekday() in self.weekdays and self.begin_hour <= when.hour < self.end_hour


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one project; the defaults forbid nothing but very large clusters.

    Attributes:
        families: of node types that may be used (`m5`, `r5d`, `Standard_Es_v5`); empty for any.
        min_cores, max_cores: of one node; None for no limit.
        min_workers, max_workers: of one cluster.
        largest_step: the most by which the cores of a cluster may grow or shrink in one change, as
            a factor; None for no limit.
        change_windows: when definitions may be changed; empty for always.
        pinned: what stays as the definition has it.
        exploration_budget: the most that exploring may cost beyond the baseline, in runs of the
            baseline; None for no limit.
    """

    families: tuple[str, ...] = ()
    min_cores: int | None = None
    max_cores: int | None = None
    min_workers: int = 1
    max_workers: int = DEFAULT_MAX_WORKERS
    largest_step: float | None = None
    change_windows: tuple[ChangeWindow, ...] = ()
    pinned: frozenset[Field] = frozenset()
    exploration_budget: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.min_workers <= self.max_workers:
            raise InvalidInput(
                f"A project's clusters have from 1 worker on and no more than the most allowed; "
                f"got {self.min_workers} to {self.max_workers}. Correct the limits."
            )
        if any(cores is not None and cores < 1 for cores in (self.min_cores, self.max_cores)):
            raise InvalidInput(
                f"A node's cores are limited from 1 core on; got {self.min_cores} to "
                f"{self.max_cores}. Correct the limits, or lift them with none."
            )
        if self.min_cores and self.max_cores and self.min_cores > self.max_cores:
            raise InvalidInput(
                f"No node has {self.min_cores} cores or more and {self.max_cores} or fewer. "
                "Correct the limits."
            )
        if self.largest_step is not None and not 1 < self.largest_step < float("inf"):
            raise InvalidInput(
                f"The largest step is a factor above 1; got {self.largest_step}. Pin the worker "
                "count and node type to allow none."
            )
        budget = self.exploration_budget
        if budget is not None and not (isfinite(budget) and budget >= 0):
            raise InvalidInput(
                f"The exploration budget is 0 runs of the baseline or more; got {budget}."
            )

    def is_change_allowed_at(self, when: datetime) -> bool:
        """Whether a change window is open; `when` is in UTC."""
        windows = self.change_windows
        return not windows or any(window.is_open_at(when) for window in windows)


NO_LIMITS: Final = Limits()
