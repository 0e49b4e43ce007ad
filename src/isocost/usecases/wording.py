"""Settings in, the words that people read on every door out."""

from collections.abc import Mapping
from typing import Final

from isocost.domain.project import Sla
from isocost.eventlog.wording import duration
from isocost.units import PERCENT

# What a limit counts: one, and several.
_COUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "min_cores": ("core a node", "cores a node"),
    "max_cores": ("core a node", "cores a node"),
    "min_workers": ("worker", "workers"),
    "max_workers": ("worker", "workers"),
    "largest_step": ("times the cores", "times the cores"),
    "exploration_budget": ("run of the baseline", "runs of the baseline"),
}
# What holds where a limit is not set; elsewhere it is "none".
_UNSET: Final[Mapping[str, str]] = {"families": "any", "change_windows": "always"}


def told_sla(sla: Sla | None) -> str:
    """Return an SLA in words."""
    if sla is None:
        return "none"
    missed = f"{sla.miss_fraction * PERCENT:g} %"
    return f"{duration(sla.max_runtime_s)}, missed in at most {missed} of runs"


def told_limit(name: str, value: object) -> str:
    """Return the value of one of a project's limits in words."""
    if value is None or value in {(), frozenset()}:
        return _UNSET.get(name, "none")
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(map(str, value)))
    if not isinstance(value, int | float):
        return str(value)
    one, several = _COUNTED.get(name, ("", ""))
    return f"{value:g} {one if value == 1 else several}".strip()
