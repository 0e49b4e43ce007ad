"""The command line's root: registers commands, turns errors into messages and exit codes."""

import os
import sys
from typing import Annotated, Final

import typer

from isocost import __version__
from isocost.cli import bank, demo, profile, whatif
from isocost.cli.console import say
from isocost.errors import IsocostError

INTERRUPTED: Final = 130  # 128 + SIGINT, as every shell has it

app = typer.Typer(
    name="isocost",
    help="Keeps every recurring Spark job on the cheapest cluster that still meets its deadline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(profile.profile)
app.command()(whatif.whatif)
app.add_typer(bank.app, name="bank")


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        sys.stdout.write(f"isocost {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Keep every recurring Spark job on the cheapest cluster that still meets its deadline."""


def main() -> None:
    """Run a command; every error of ours becomes one message and its exit code."""
    try:
        app()
    except IsocostError as error:
        say(f"Error ({error.code}): {error}", style="red")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("Interrupted. What has finished is kept; repeat the command to go on.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; say nothing and close quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
