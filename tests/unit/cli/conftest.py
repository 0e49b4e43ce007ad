"""The command line in this process."""

import sys

import pytest

from isocost.cli.app import main


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs a command; it returns the exit code and what was printed."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["isocost", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    return run
