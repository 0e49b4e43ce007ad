"""The page about the API says what the API says of itself."""

from tools.api_reference import PAGE, page


def test_reference_of_the_api_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.api_reference"


def test_reference_tells_of_each_endpoint():
    text = page()
    assert "### GET /v1/projects/{project_id}/executions" in text
    assert "`?newest=` integer" in text
