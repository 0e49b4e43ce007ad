"""What the pages say, with units, baselines and the next step."""

from dataclasses import replace

import pytest

from isocost.domain.project import Guarding
from isocost.store.memory import MemoryStore
from isocost.testing.histories import IMPORTED, a_store
from isocost.web.pages import beside, pages
from tests.unit.api.asking import ask

PAGE = "/projects/p-1"


@pytest.fixture(scope="module")
def app():
    return pages(a_store(IMPORTED, runs=4))


def guarded(**guarding):
    return pages(a_store(replace(IMPORTED, guarding=Guarding(**guarding))))


def test_table_names_cost_before_and_after_with_the_baseline(app):
    text = ask(app, "/").text
    assert "4.00 USD → 3.00 USD" in text
    assert "−25 %" in text
    assert "before: mean of runs 0, 1" in text


def test_table_shows_the_share_of_runs_in_time(app):
    assert "75 %" in ask(app, "/").text


def test_names_cannot_hold_markup(app):
    text = ask(app, "/").text
    assert "Nightly &lt;orders&gt;" in text
    assert "<orders>" not in text + ask(app, PAGE).text


def test_page_without_workspace_says_how_to_connect_one():
    assert "isocost workspace add" in ask(pages(MemoryStore()), "/").text


def test_page_without_projects_says_how_to_import_them():
    assert "isocost job import" in ask(pages(a_store()), "/").text


def test_page_without_runs_says_what_will_come():
    text = ask(pages(a_store(IMPORTED)), PAGE).text
    assert "There is nothing to draw yet" in text
    assert "start the job in its workspace" in text


def test_fault_and_notice_are_shown():
    text = ask(guarded(fault="The token has expired."), PAGE).text
    assert "The token has expired." in text
    assert "Rolled back once." in ask(guarded(notice="Rolled back once."), PAGE).text


def test_project_without_sla_is_never_called_late():
    text = ask(pages(a_store(replace(IMPORTED, sla=None), runs=3)), PAGE).text
    assert "no SLA" in text
    assert "late" not in text.split("<h3>Deviations")[0].rsplit("Every run shown")[-1]


@pytest.mark.parametrize(
    "words",
    [
        "<b>data</b> 90 %: input 2.1 GiB instead of 1.0 GiB",
        "it cost half of its parent",
        "new_cluster.num_workers: 2 → 1",
        "27.0 s to 33.0 s",
    ],
)
def test_project_page_tells_causes_verdicts_and_changes(app, words):
    assert words in ask(app, PAGE).text


def test_unknown_project_is_a_page_with_a_way_back(app):
    answer = ask(app, "/projects/x")
    assert (answer.status, "Projects</a>" in answer.text) == (404, True)


def test_unknown_address_is_a_page(app):
    assert ask(app, "/nothing").status == 404
    assert ask(app, "/static/rendering.py").status == 404


def test_pages_take_nothing_from_elsewhere(app):
    answer = ask(app, PAGE)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http://" not in answer.text
    assert "https://" not in answer.text


@pytest.mark.parametrize("name", ["plotly.min.js", "isocost.js", "isocost.css"])
def test_what_a_page_links_to_is_served(app, name):
    assert f"/static/{name}" in ask(app, PAGE).text
    assert len(ask(app, f"/static/{name}").body) > 500


def test_defect_of_a_page_tells_nothing_of_the_inside():
    answer = ask(pages(None), "/", raises=(AttributeError,))
    assert (answer.status, "NoneType" in answer.text) == (500, False)


def test_api_and_pages_stand_side_by_side(app):
    async def api(scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    both = beside(api, app)
    assert (ask(both, "/v1/x").status, ask(both, "/").status) == (299, 200)
