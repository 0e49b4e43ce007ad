"""The page of exit codes tells every error with the exit code it has."""

import re
from pathlib import Path

import pytest

from isocost.cli.console import INTERRUPTED
from isocost.errors import IsocostError

PAGE = Path(__file__).parents[2] / "docs/reference/exit-codes.md"
TOLD = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def errors_of(kind):
    for child in kind.__subclasses__():
        if child.__module__ == "isocost.errors":
            yield child
            yield from errors_of(child)


@pytest.mark.parametrize("error", list(errors_of(IsocostError)), ids=lambda e: e.code)
def test_error_is_told_with_its_exit_code(error):
    assert TOLD[error.code] == str(error.exit_code)


def test_no_error_is_told_that_does_not_exist():
    assert set(TOLD) == {error.code for error in errors_of(IsocostError)}


def test_each_exit_code_is_explained():
    explained = set(re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    codes = {error.exit_code for error in errors_of(IsocostError)}
    assert explained == {str(code) for code in codes | {0, INTERRUPTED}}
