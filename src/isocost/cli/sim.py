"""`isocost sim`: a simulated Databricks workspace on this machine."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from isocost.cli.console import print_json, say
from isocost.domain.workspace import Cloud

if TYPE_CHECKING:
    from isocost.simulator.server.serving import RunningServer

# Whoever waits for the server to go with its parent waits no longer than this.
_WATCH_PERIOD_S: Final = 0.5

app = typer.Typer(help="Simulate a Databricks workspace.", no_args_is_help=True)

Region = Annotated[str, typer.Option(help="One that the catalog knows; us-east-1 or eastus.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
Estate = Annotated[
    int,
    typer.Option(
        min=0,
        help="Recurring jobs that it begins with, beside six that do not qualify; 0 for none.",
    ),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same workspace.")]
Start = Annotated[
    datetime | None, typer.Option(help="The time in it to begin with, in UTC; 2026-01-05 06:00.")
]
SpeedUp = Annotated[
    float,
    typer.Option(
        min=0.0, help="Its seconds for each real one; 0 lets time stand until it is moved."
    ),
]
Leap = Annotated[
    bool,
    typer.Option(help="Time that stands leaps to the end of each run that somebody triggers."),
]
LogDestination = Annotated[
    str, typer.Option(help="Where the estate's clusters deliver logs; nowhere unless named.")
]
ExitWithParent = Annotated[
    bool, typer.Option("--exit-with-parent", help="Stop when the calling process is gone.")
]


@app.callback()
def sim() -> None:
    """Simulate a Databricks workspace."""


@app.command()
def serve(  # noqa: PLR0913  a command's parameters are its options
    *,
    cloud: Annotated[Cloud, typer.Option(help="Whose machines it rents.")] = Cloud.AWS,
    region: Region = "",
    port: Port = 0,
    estate: Estate = 0,
    seed: Seed = 1,
    start: Start = None,
    speed_up: SpeedUp = 0.0,
    leap: Leap = True,
    log_destination: LogDestination = "",
    exit_with_parent: ExitWithParent = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Serve a simulated workspace until interrupted; the databricks-sdk works with it.

    It listens on this machine only. Set DATABRICKS_HOST and DATABRICKS_TOKEN to what it prints.

    Example: isocost sim serve --estate 12 --log-destination dbfs:/cluster-logs
    """
    # A web server takes a fifth of a second to load; only whoever serves waits for it.
    from isocost.simulator.server.control import WorkspaceControl
    from isocost.simulator.server.serving import RunningServer, run_while, stop_when
    from isocost.simulator.simulate import EPOCH
    from isocost.simulator.workspace.estate import EstatePlan
    from isocost.simulator.workspace.workspace import WorkspaceOptions

    options = WorkspaceOptions(
        cloud=cloud,
        region=region,
        seed=seed,
        start_at=EPOCH if start is None else start.replace(tzinfo=UTC),
        speed_up=speed_up,
        is_leaping=leap and speed_up == 0,
    )
    running = RunningServer(options, port=port)
    if exit_with_parent:
        parent = os.getppid()
        stop_when(running, lambda: os.getppid() != parent, period_s=_WATCH_PERIOD_S)

    def announce() -> None:
        control = WorkspaceControl(running.address.url, running.address.control_token)
        plan = EstatePlan(job_count=estate, seed=seed, log_destination=log_destination)
        _show(running, len(control.add_estate(plan)) if estate else 0, is_json=json)

    try:
        run_while(running, announce)
    except KeyboardInterrupt:
        say("Stopped.")


def _show(running: "RunningServer", job_count: int, *, is_json: bool) -> None:
    address = running.address
    if is_json:
        print_json({
            "url": address.url,
            "token": address.token,
            "control_token": address.control_token,
            "pid": os.getpid(),
            "jobs": job_count,
        })
        return
    say(f"A simulated workspace with {job_count} jobs; stop it with Ctrl-C.")
    typer.echo(f"DATABRICKS_HOST={address.url}")
    typer.echo(f"DATABRICKS_TOKEN={address.token}")
    typer.echo(f"ISOCOST_SIM_CONTROL_TOKEN={address.control_token}")
