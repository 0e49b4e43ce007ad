"""What the demo tells: costs after learning, what was injected, and why its report differs."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from isocost.cli.demo_table import change_notes, demo_listing
from isocost.domain.project import Phase
from isocost.testing.histories import IMPORTED, a_store
from isocost.usecases.project_view import project_view
from isocost.usecases.rehearse import Outcome

AT = datetime(2026, 1, 20, 9, 36, tzinfo=UTC)


@pytest.fixture(scope="module")
def view():
    with a_store(IMPORTED, runs=2).transaction(read_only=True) as tx:
        return project_view(tx, tx.project(IMPORTED.project_id))


def an_outcome(view, *, change="", is_found=None, usd=1.55):
    baseline_usd = None if usd is None else 2.11
    return Outcome(view, change, 9, 3, baseline_usd, usd, in_time_count=8, is_found=is_found)


def text(*found):
    return " ".join(" ".join(line.plain.split()) for line in demo_listing(found).lines(None))


def test_row_compares_the_same_runs_and_says_that_the_report_does_not(view):
    shown = text(an_outcome(view))
    assert "2.11 → 1.55 27%" in shown
    assert "The report and isocost project list differ" in shown


@pytest.mark.parametrize(
    ("phase", "told"),
    [(Phase.LEARNING, "still learning"), (Phase.OPTIMIZING, "no run since learning")],
)
def test_row_without_a_run_after_learning_says_so(view, phase, told):
    shown = text(an_outcome(replace(view, phase=phase), usd=None))
    assert f" {told} – " in shown
    assert "– → –" not in shown


def test_notes_tell_each_injected_change_when_and_whether_it_was_found(view):
    found = [
        an_outcome(view, change="data", is_found=True),
        an_outcome(view),
        an_outcome(view, change="spot"),
    ]
    (note,) = change_notes(found, AT)
    name = f"{IMPORTED.name} in {view.workspace}"
    assert "Injected on 2026-01-20 at 09:36 UTC" in note
    assert note.endswith(f"{name}: data doubled, found; {name}: spot storm, touched no run.")


def test_nothing_injected_is_no_note(view):
    assert list(change_notes([an_outcome(view)], AT)) == []
