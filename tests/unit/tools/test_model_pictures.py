"""The pictures that explain the model are drawn from the model as it is now."""

import re

import pytest

from tools.model_pictures import FOLDER, main, pictures

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Other versions of NumPy's libraries may move a line by less than can be seen.
MOST_PIXELS = 2.0
OUTDATED = "The model has moved this picture: run `.venv/bin/python -m tools.model_pictures`."


@pytest.fixture(scope="module")
def drawn():
    return pictures()


def without_numbers(text):
    return NUMBER.sub("0", text)


@pytest.mark.parametrize("name", ["learning.svg", "memory-cliff.svg", "gain.svg", "trade-off.svg"])
def test_picture_shows_what_the_model_says_today(drawn, name):
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert without_numbers(kept) == without_numbers(drawn[name]), OUTDATED
    pairs = zip(NUMBER.findall(kept), NUMBER.findall(drawn[name]), strict=True)
    assert max(abs(float(a) - float(b)) for a, b in pairs) <= MOST_PIXELS, OUTDATED


def test_same_model_draws_the_same_pictures(drawn):
    assert pictures() == drawn


def test_check_writes_nothing(capsys):
    before = {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()}
    main(["--check"])
    assert capsys.readouterr().out.startswith("Changed: ")
    assert {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()} == before
