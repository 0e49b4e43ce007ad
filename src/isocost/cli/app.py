"""The command line's root: registers commands, turns errors into messages and exit codes."""

import os
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from isocost import __version__
from isocost.cli import bank, demo, profile, sim, whatif
from isocost.cli.console import OutputClosed, flush_output, say
from isocost.errors import IsocostError

INTERRUPTED: Final = 130  # 128 + SIGINT, as every shell has it


class _Root(TyperGroup):
    """Ends a command that was interrupted, or lost its reader, before Typer does so in silence."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  its type's home differs between versions of Typer
        """Run the command that the context names."""
        try:
            result = super().invoke(ctx)
            flush_output()
        except KeyboardInterrupt as error:
            say("Interrupted. An experiment keeps what has finished: see --name to go on.")
            raise typer.Exit(INTERRUPTED) from error
        except OutputClosed as error:
            # Else Python would flush stdout once more at its end, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from error
        return result


app = typer.Typer(
    name="isocost",
    cls=_Root,
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
app.add_typer(sim.app, name="sim")


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
