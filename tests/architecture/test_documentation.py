"""What the README shows exists: commands, options and files."""

import re
from pathlib import Path

import pytest
import typer.main

from isocost.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^\s*(?:\.venv/bin/)?isocost (.+)$", re.MULTILINE)


def shown_commands():
    for page in PAGES:
        for block in re.findall(r"```\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in COMMAND.findall(block):
                yield pytest.param(line.split(), id=f"{page.name}: {line}")


@pytest.mark.parametrize("words", list(shown_commands()))
def test_shown_command_exists_with_its_options(words):
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def commands_of(command, path=()):
    if not hasattr(command, "commands"):
        yield pytest.param(command, id=" ".join(path))
        return
    for name, child in command.commands.items():
        yield from commands_of(child, (*path, name))


@pytest.mark.parametrize("command", list(commands_of(typer.main.get_command(app))))
def test_help_ends_with_an_example(command):
    assert re.search(r"Example: isocost .+$", (command.help or "").strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_files_hold(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [t for t in targets if not (page.parent / t).exists()] == []
