"""What people read of a project's settings."""

import pytest

from isocost.domain.limits import ChangeWindow, Field, Limits
from isocost.domain.project import Sla
from isocost.usecases.wording import told_limit, told_sla


def test_an_sla_is_told_in_minutes_and_whole_percent():
    assert told_sla(Sla(1164.0, 0.05)) == "19 min 24 s, missed in at most 5 % of runs"
    assert told_sla(None) == "none"


def test_what_is_not_limited_is_not_said_to_be_forbidden():
    unset = Limits()
    said = {name: told_limit(name, getattr(unset, name)) for name in Limits.__dataclass_fields__}
    assert said == {
        "families": "any",
        "min_cores": "none",
        "max_cores": "none",
        "min_workers": "1 worker",
        "max_workers": "32 workers",
        "largest_step": "none",
        "change_windows": "always",
        "pinned": "none",
        "exploration_budget": "none",
    }


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("families", ("r5", "m5"), "m5, r5"),
        ("min_cores", 1, "1 core a node"),
        ("max_cores", 16, "16 cores a node"),
        ("largest_step", 1.5, "1.5 times the cores"),
        ("exploration_budget", 1.0, "1 run of the baseline"),
        ("exploration_budget", 0.0, "0 runs of the baseline"),
        ("change_windows", (ChangeWindow((0, 1), 8, 18),), "mon,tue 8-18 UTC"),
        ("pinned", frozenset({Field.NODE_TYPE}), "node_type"),
    ],
)
def test_a_limit_is_told_with_what_it_counts(name, value, said):
    assert told_limit(name, value) == said
