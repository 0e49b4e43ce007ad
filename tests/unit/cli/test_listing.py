"""Lists fit their screen, and each id and word of theirs is in one piece on one line."""

import os
import subprocess
import sys

import pytest
from rich.text import Text

from isocost.cli.listing import Heading, Listing

ID = "prod-load-customers-files-675210778746715-924989399437734-main_cluster-next"
SENTENCE = "applied 13 × Standard_D8as_v4 (see its notice)"
LISTING = Listing(
    "Projects",
    (Heading("Project"), Heading("Phase"), Heading("Cost", is_right=True), Heading("Last event")),
    [(ID, "optimizing", "2.24", SENTENCE), ("b", "learning", "10.00", Text("none", style="red"))],
    caption="Mean list cost per run in USD.",
)

SHOWING = f"""
from isocost.cli.listing import Heading, Listing, show_listing
names = ("Project", "Phase", "Last event")
show_listing(Listing("", [Heading(n) for n in names], [("{ID}", "optimizing", "{SENTENCE}")]))
"""


def shown(width, listing=LISTING):
    return [line.plain for line in listing.lines(width)]


def test_without_a_screen_each_row_is_one_line():
    lines = shown(None)
    assert [line.split() for line in lines if ID in line] == [
        [ID, "optimizing", "2.24", *SENTENCE.split()]
    ]
    assert lines[1].split() == ["Project", "Phase", "Cost", "Last", "event"]


def test_columns_are_flush_with_their_headings():
    lines = shown(None)
    assert lines[1].index("Last event") == lines[3].index(SENTENCE) == lines[4].index("none")
    assert lines[1].index("Cost") + len("Cost") == lines[3].index("2.24") + len("2.24")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_word_is_broken_at_any_width(width):
    words = " ".join(shown(width)).split()
    assert {ID, "optimizing", "Standard_D8as_v4", "Phase", "Last", "event"} <= set(words)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_only_an_id_is_ever_wider_than_the_screen(width):
    assert [line for line in shown(width) if len(line) > width and line.strip() != ID] == []


def test_an_id_has_a_line_of_its_own_where_the_row_has_no_room():
    lines = shown(80)
    assert f"  {ID}" in lines
    assert lines[lines.index(f"  {ID}") + 1].split()[:2] == ["optimizing", "2.24"]


def test_columns_stand_below_each_other_where_they_do_not_fit_beside():
    at = [shown(40).index(line) for line in shown(40) if "optimizing" in line or "applied" in line]
    assert at == [at[0], at[0] + 1]


def test_a_long_sentence_goes_on_below_its_beginning():
    first, second = (line for line in shown(50) if "applied" in line or "notice" in line)
    assert first.index("applied") == len(second) - len(second.lstrip())


def test_a_name_of_two_lines_stays_in_its_row():
    assert any(
        "a b" in line for line in shown(None, Listing("", LISTING.headings, [("a\nb",) * 4]))
    )


@pytest.mark.parametrize(("columns", "is_one_line"), [({}, True), ({"COLUMNS": "80"}, False)])
def test_a_pipe_gets_whole_rows_unless_columns_are_said(columns, is_one_line):
    plain = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-c", SHOWING], env={**plain, **columns}, capture_output=True, check=True
    )
    row = next(line for line in done.stdout.decode().splitlines() if ID in line)
    assert ("optimizing" in row) is is_one_line
