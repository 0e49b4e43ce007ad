"""`isocost workspace`: connect Databricks workspaces, and see what works in them."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from isocost import clock
from isocost.cli.asking import Json, Yes, agrees
from isocost.cli.console import ERR, print_json, say
from isocost.cli.listing import Heading, Listing, show_listing
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.errors import InvalidInput, PlatformError
from isocost.settings import read_settings
from isocost.usecases.connect import (
    Asked,
    Checked,
    check,
    connect,
    disconnect,
    leaving,
    workspaces,
)
from isocost.wiring import open_connecting, open_store

app = typer.Typer(help="Connect Databricks workspaces.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Your word for it, such as prod.")]
Host = Annotated[
    str, typer.Argument(help="Its address, as the browser shows it: https://….databricks.com.")
]
TokenEnv = Annotated[
    str,
    typer.Option(
        help="The environment variable that holds the token. Without it the token is asked for, "
        "or read from stdin."
    ),
]
Region = Annotated[
    str, typer.Option(help="Whose prices count; found out on AWS, to be named on Azure.")
]
LogDestination = Annotated[
    str,
    typer.Option(
        help="Where clusters of imported jobs that deliver no logs are to deliver them: dbfs:/…, "
        "/Volumes/… or s3://…"
    ),
]
WebhookUrl = Annotated[
    str | None,
    typer.Option(
        help="Where the workspace reaches `isocost serve`, as https://…; without it, it is "
        "polled. '' forgets the one that is known; jobs imported before keep theirs."
    ),
]


@app.callback()
def workspace() -> None:
    """Connect Databricks workspaces."""


@app.command()
def add(  # noqa: PLR0913  a command's parameters are its options
    name: Name,
    host: Host,
    *,
    token_env: TokenEnv = "",
    cloud: Annotated[Cloud | None, typer.Option(help="Found out unless named.")] = None,
    region: Region = "",
    plan: Annotated[Plan | None, typer.Option(help="What DBUs are billed by; premium.")] = None,
    log_destination: LogDestination = "",
    webhook_url: WebhookUrl = None,
) -> None:
    """Connect a workspace, or change its token and options; nothing is stored if it is refused.

    The token is kept in the user's own credentials.toml, never in the database.

    Example: isocost workspace add prod https://dbc-1234abcd-12ab.cloud.databricks.com
    """
    asked = Asked(
        name=name,
        host=host,
        token=_token(token_env),
        cloud=cloud,
        region=region,
        plan=plan,
        log_destination=log_destination,
        webhook_url=webhook_url,
    )
    with open_connecting(read_settings(os.environ)) as connecting:
        checked = connect(connecting, asked, now=clock.now())
    show_listing(_permission_listing(checked))
    found = checked.workspace
    say(f"Connected {name}: {found.cloud} in {found.region}, plan {found.plan}.")
    for project_id in checked.resumed:
        say(f"Project {project_id} is looked after again.")
    say(f"Next: isocost job list {name}")


def _token(variable: str) -> str:
    if variable:
        token = os.environ.get(variable, "")
        if not token:
            raise InvalidInput(
                f"--token-env names {variable!r}, which is not set in the environment. Set it to "
                "the token, or leave --token-env out to be asked."
            )
        return token.strip()
    if sys.stdin.isatty():
        found: str = typer.prompt("Token", hide_input=True, err=True)
        return found.strip()
    token = sys.stdin.readline().strip()
    if not token:
        raise InvalidInput(
            "No token was given. Pass --token-env NAME, write it to stdin, or run this in a "
            "terminal to be asked."
        )
    return token


@app.command("check")
def check_command(name: Name, *, json: Json = False) -> None:
    """Say, permission by permission, what works in a workspace and what to grant.

    Example: isocost workspace check prod
    """
    with open_connecting(read_settings(os.environ)) as connecting:
        checked = check(connecting, name)
    if json:
        print_json({
            "workspace": name,
            "is_usable": checked.is_usable,
            "permissions": [msgspec.to_builtins(p) for p in checked.permissions],
        })
    else:
        show_listing(_permission_listing(checked))
    if not checked.is_usable:
        raise PlatformError(
            f"{checked.workspace.host} does not allow what is needed: "
            f"{', '.join(p.need for p in checked.missing)}. Have a workspace admin grant it, then "
            "check again."
        )


def _permission_listing(checked: Checked) -> Listing:
    return Listing(
        title=f"{checked.workspace.name} at {checked.workspace.host}",
        headings=[Heading(name) for name in ("Permission", "Works", "What to do")],
        rows=[
            (p.need, _works(p.is_granted, is_required=p.is_required), p.remedy or "–")
            for p in checked.permissions
        ],
    )


def _works(is_granted: bool, *, is_required: bool) -> Text:
    if is_granted:
        return Text("yes", style="green")
    return Text("no", style="red") if is_required else Text("no, optional", style="yellow")


@app.command("list")
def list_command(*, json: Json = False) -> None:
    """List the connected workspaces.

    Example: isocost workspace list
    """
    store = open_store(read_settings(os.environ))
    try:
        found = workspaces(store)
    finally:
        store.close()
    if json:
        print_json({"workspaces": [_as_json(each, count) for each, count in found]})
    elif not found:
        say("No workspace is connected. Connect one: isocost workspace add NAME HOST")
    else:
        show_listing(_listing(found))


def _as_json(found: Workspace, project_count: int) -> dict[str, object]:
    return {**msgspec.to_builtins(found), "project_count": project_count}


def _listing(found: Sequence[tuple[Workspace, int]]) -> Listing:
    names = ("Name", "Address", "Cloud", "Region", "Plan")
    return Listing(
        title="Workspaces",
        headings=(
            *(Heading(name) for name in names),
            Heading("Projects", is_right=True),
            Heading("State"),
        ),
        rows=[_row(each, count) for each, count in found],
    )


def _row(found: Workspace, project_count: int) -> tuple[str | Text, ...]:
    works = Text("works", style="green")
    state = works if found.fault is None else Text(found.fault, style="red")
    where = (found.name, found.host, found.cloud, found.region, found.plan)
    return (*where, str(project_count), state)


@app.command()
def remove(name: Name, *, yes: Yes = False) -> None:
    """Forget a workspace, its token, and the history of projects that were taken off.

    Projects that are still looked after are to be deleted first.

    Example: isocost workspace remove prod
    """
    with open_connecting(read_settings(os.environ)) as connecting:
        gone = leaving(connecting.store, name)
        lines = [f"forget workspace {name} and its token"]
        lines += [f"forget project {project_id} with its runs" for project_id in gone]
        if not agrees(lines, f"Remove workspace {name}?", is_yes=yes):
            return
        disconnect(connecting, name)
    ERR.print(f"Removed {name}.", markup=False, highlight=False)
