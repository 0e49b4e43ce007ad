"""What a command is about to change in; whether the user agrees out."""

import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from isocost.cli.console import say
from isocost.errors import InvalidInput

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_AGREED: Final = {"y", "yes"}


def agrees(lines: Sequence[str], question: str, *, is_yes: bool) -> bool:
    """Show what would change, and return whether the user wants it.

    Raises:
        InvalidInput: nobody is there to ask.
    """
    for line in lines:
        say(f"  {line}")
    if is_yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"Nothing was changed: {question} Nobody is there to answer. Pass --yes to agree "
            "beforehand."
        )
    say(f"{question} [y/N] ")
    if sys.stdin.readline().strip().lower() in _AGREED:
        return True
    say("Nothing was changed.")
    return False
