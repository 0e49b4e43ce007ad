"""The report: one file, the same for the same store, that needs nothing else."""

from dataclasses import replace

import pytest

from isocost.errors import InvalidInput
from isocost.testing.histories import IMPORTED, a_store
from isocost.web.report import report_html, write_report

MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def html():
    other = replace(IMPORTED, project_id="p-2", name="Hourly clicks")
    return report_html(a_store(IMPORTED, other, runs=4), title="Report", notes=["Seed 1 & 2."])


def test_table_holds_all_projects_with_their_baselines(html):
    assert "Nightly &lt;orders&gt;" in html
    assert "Hourly clicks" in html
    assert "4.00 USD → 3.00 USD" in html
    assert "before: mean of runs 0, 1" in html


def test_notes_stand_above_the_table(html):
    assert html.index("<p>Seed 1 &amp; 2.</p>") < html.index("<h2>Projects</h2>")


def test_state_is_told_whole_in_the_table():
    notice = "Went back from 4 × Standard_D8as_v4 to 8 × Standard_F4s_v2: " + "it was dear, " * 9
    guarding = replace(IMPORTED.guarding, notice=notice)
    shown = report_html(a_store(replace(IMPORTED, guarding=guarding)), title="Report", notes=[])
    assert notice in shown.partition("<h2>Each project")[0]


def test_every_table_shows_where_it_goes_on_beyond_the_screen(html):
    assert html.count("<table>") == html.count('<div class="scroll"><table>') > 0
    rule = html.partition(".scroll {")[2].partition("}")[0]
    assert "overflow-x: auto" in rule
    assert ("local" in rule, "scroll;" in rule) == (True, True)  # white that moves over shadows


def test_file_links_to_nothing_outside(html):
    assert '<script src="' not in html
    assert '<link rel="stylesheet"' not in html
    assert len(html.encode()) < MOST_BYTES


def test_each_project_is_folded_with_its_figures(html):
    assert html.count('<details class="project"') == 2
    assert html.count('class="plot"') == 3  # the other project has no run yet


def test_same_store_gives_the_same_file(tmp_path):
    pages = [tmp_path / "a.html", tmp_path / "deep" / "b.html"]
    for page in pages:
        write_report(page, a_store(IMPORTED, runs=3), title="Report", notes=[])
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_store_without_projects_says_what_to_do():
    assert "isocost workspace add" in report_html(a_store(), title="Report", notes=[])


def test_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_report(tmp_path / "file" / "report.html", a_store(), title="Report", notes=[])
