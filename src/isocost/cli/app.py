"""The command line's root: loads commands as asked, turns errors into messages and exit codes."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Annotated, Any, Final

import typer
import typer.main
from typer.core import TyperGroup

from isocost import __version__
from isocost.cli.console import INTERRUPTED, OutputClosed, flush_output, say
from isocost.cores import ONE_BLAS_THREAD
from isocost.errors import IsocostError

_ENDED_EARLY: Final = (
    "Interrupted. What was finished before stays; repeat the command to have the rest done."
)
_INTERRUPTED: Final[Mapping[str, str]] = {
    "bank": "Interrupted. An experiment keeps what has finished: see --name to go on.",
}


def _demo(group: typer.Typer) -> None:
    from isocost.cli.demo import demo

    group.command()(demo)


def _profile(group: typer.Typer) -> None:
    from isocost.cli.profile import profile

    group.command()(profile)


def _whatif(group: typer.Typer) -> None:
    from isocost.cli.whatif import whatif

    group.command()(whatif)


def _bank(group: typer.Typer) -> None:
    from isocost.cli.bank import app as bank

    group.add_typer(bank, name="bank")


def _sim(group: typer.Typer) -> None:
    from isocost.cli.sim import app as sim

    group.add_typer(sim, name="sim")


def _serve(group: typer.Typer) -> None:
    from isocost.cli.serve import serve

    group.command()(serve)


def _worker(group: typer.Typer) -> None:
    from isocost.cli.worker import worker

    group.command()(worker)


def _workspace(group: typer.Typer) -> None:
    from isocost.cli.workspace import app as workspace

    group.add_typer(workspace, name="workspace")


def _job(group: typer.Typer) -> None:
    from isocost.cli.definitions import app as definitions

    group.add_typer(definitions, name="job")


def _project(group: typer.Typer) -> None:
    from isocost.cli.project import app as project

    group.add_typer(project, name="project")


def _run(group: typer.Typer) -> None:
    from isocost.cli.run import app as run

    group.add_typer(run, name="run")


def _recommendation(group: typer.Typer) -> None:
    from isocost.cli.recommendation import app as recommendation

    group.add_typer(recommendation, name="recommendation")


# Who wants a profile should not wait for scipy, Plotly and a database: they double the memory.
_ADDERS: Final[Mapping[str, Callable[[typer.Typer], None]]] = {
    "demo": _demo,
    "profile": _profile,
    "whatif": _whatif,
    "workspace": _workspace,
    "job": _job,
    "project": _project,
    "run": _run,
    "recommendation": _recommendation,
    "bank": _bank,
    "sim": _sim,
    "serve": _serve,
    "worker": _worker,
}


# The type of a command has another home in each of Typer's versions, hence `Any`.
class _Commands(MutableMapping[str, Any]):
    """Commands by name; each is imported when it is first looked at, and names need no import."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        self._made = dict(made)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        if name not in self._made and name in _ADDERS:
            group = typer.Typer()
            _ADDERS[name](group)
            self._made |= typer.main.get_group(group).commands
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._made or name in _ADDERS

    def __setitem__(self, name: str, command: Any) -> None:  # noqa: ANN401
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*_ADDERS, *self._made]))

    def __len__(self) -> int:
        return len(_ADDERS.keys() | self._made.keys())


class _Root(TyperGroup):
    """Knows all commands without importing them, and ends those that were cut off with a word.

    Typer itself would end a command that was interrupted, or lost its reader, in silence.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  whatever Typer passes
        super().__init__(**options)
        self.commands = _Commands(self.commands)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  its type's home differs between versions of Typer
        """Run the command that the context names."""
        try:
            result = super().invoke(ctx)
            flush_output()
        except KeyboardInterrupt as error:
            say(_INTERRUPTED.get(ctx.invoked_subcommand, _ENDED_EARLY))
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
    epilog=(
        "Exit codes: 0 done; 1 a fault of Isocost; 2 something to correct; 3 another system, such "
        "as Databricks or the database, failed or refused; 4 it will do later: try again; "
        "130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    for name, count in ONE_BLAS_THREAD.items():  # before a command loads numpy
        os.environ.setdefault(name, count)
    try:
        app()
    except IsocostError as error:
        say(f"Error ({error.code}): {error}", style="red")
        sys.exit(error.exit_code)
