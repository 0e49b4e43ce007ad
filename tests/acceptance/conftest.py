"""Fixtures of the tests that do as users do: a workspace, and the commands that look after it."""

import sys

import pytest

from isocost.cli.app import main
from tests.acceptance.user import Ended, a_lived_in_workspace


@pytest.fixture
def here():
    """A workspace with two jobs that have run for two days."""
    with a_lived_in_workspace(2) as (address, control, _):
        yield address, control


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOCOST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ISOCOST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "home"


@pytest.fixture
def isocost(home, monkeypatch, capsys):
    def run(*arguments, **changed):
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["isocost", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def add(isocost):
    def run(url, token, *options):
        given = ("workspace", "add", "prod", url, "--token-env", "SECRET", *options)
        return isocost(*given, SECRET=token)

    return run


@pytest.fixture
def imported(here, isocost, add):
    """The two jobs as projects of a connected workspace."""
    address, _ = here
    assert add(address.url, address.token).code == 0
    done = isocost("job", "import", "prod", "--all", "--max-runtime-factor", "1.5", "--yes")
    assert done.code == 0, done.err
    return [p["project_id"] for p in isocost("project", "list", "--json").json["projects"]]
