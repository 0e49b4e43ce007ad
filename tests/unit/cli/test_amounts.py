import pytest

from isocost.cli.amounts import (
    miss_fraction,
    names,
    number_or_none,
    pinned,
    seconds,
    told_seconds,
    windows,
)
from isocost.domain.limits import ChangeWindow, Field
from isocost.errors import InvalidInput
from isocost.settings import read_settings
from isocost.testing.nouns import a_project
from isocost.wiring import open_store

PROJECT = a_project()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Have commands find one project."""
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path))
    store = open_store(read_settings({"ISOCOST_HOME": str(tmp_path)}))
    with store.transaction() as tx:
        tx.put_project(PROJECT)
    store.close()


@pytest.mark.parametrize(
    ("text", "expected"), [("45m", 2700), ("2h", 7200), ("2700s", 2700), ("1h30m", 5400)]
)
def test_duration_is_read_with_its_unit(text, expected):
    assert seconds(text, "--max-runtime") == expected


@pytest.mark.parametrize("text", ["45", "", "m", "-5m", "5 weeks"])
def test_duration_without_a_known_unit_is_refused(text):
    with pytest.raises(InvalidInput, match="--max-runtime takes a duration"):
        seconds(text, "--max-runtime")


@pytest.mark.parametrize("value", [0.0, 1.0, 5.0, -0.1, float("nan")])
def test_what_is_no_fraction_of_runs_is_refused_by_its_option(value):
    with pytest.raises(InvalidInput, match=r"^--miss takes a fraction"):
        miss_fraction(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(8.14, "8.1 s"), (750, "12 min 30 s"), (3720, "1 h 02 min")]
)
def test_duration_is_told_as_people_say_it(value, expected):
    assert told_seconds(value) == expected


def test_window_is_days_and_hours():
    assert windows(["mon-fri 8-18", "sat,sun"]) == (
        ChangeWindow((0, 1, 2, 3, 4), 8, 18),
        ChangeWindow((5, 6)),
    )


def test_window_may_go_over_the_end_of_the_week():
    assert windows(["sat-mon"]) == (ChangeWindow((0, 5, 6)),)


@pytest.mark.parametrize("text", ["someday", "mon 8", "8-18", "mon-fri 8-18 UTC"])
def test_what_is_no_window_is_refused(text):
    with pytest.raises(InvalidInput, match="--window takes days"):
        windows([text])


def test_none_lifts_every_limit():
    assert number_or_none("none", int, "--max-cores") is None
    assert names(["none"]) == ()
    assert windows(["none"]) == ()
    assert pinned(["none"]) == frozenset()


@pytest.mark.parametrize("text", ["nan", "many", "1.5"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(InvalidInput, match="--max-cores takes a whole number"):
        number_or_none(text, int, "--max-cores")


def test_names_come_one_by_one_or_with_commas():
    assert names(["m5, r5d", "m5"]) == ("m5", "r5d")


def test_only_what_can_be_pinned_is():
    assert pinned(["node_type"]) == {Field.NODE_TYPE}
    with pytest.raises(InvalidInput, match="got driver"):
        pinned(["driver"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("job", "import", "prod", "17", "--miss", "5"),
        ("project", "set", PROJECT.project_id, "--max-runtime", "45m", "--miss", "5"),
    ],
    ids=["import", "set"],
)
def test_a_wrong_fraction_is_told_by_the_option_that_was_given(arguments, command, home):
    code, printed = command(*arguments)
    assert code == 2
    assert printed.err.startswith("Error (invalid_input): --miss takes a fraction")
