"""`isocost serve`: looks after all imported projects, and serves API and pages about them."""

import gc
import logging
import os
import re
import signal
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from isocost.cli.console import print_json, say
from isocost.cli.logs import write_log
from isocost.errors import InvalidInput
from isocost.settings import read_settings
from isocost.units import S_PER_HOUR, S_PER_MINUTE

if TYPE_CHECKING:
    from isocost.usecases.loop import LoopStep

# Whoever waits for the server to go with its parent waits no longer than this.
_WATCH_PERIOD_S: Final = 0.5
_UNITS_S: Final = {"s": 1, "m": S_PER_MINUTE, "h": S_PER_HOUR}
_LOG: Final = logging.getLogger(__name__)


def serve(  # noqa: PLR0913  a command's parameters are its options
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    every: Annotated[
        str, typer.Option(help="How often all projects are looked at: 60s, 5m, 1h.")
    ] = "60s",
    poll: Annotated[
        bool, typer.Option(help="Look at all projects every now and then, not at webhooks alone.")
    ] = True,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Let other machines in; needs ISOCOST_API_TOKEN."),
    ] = False,
    exit_with_parent: Annotated[
        bool, typer.Option("--exit-with-parent", help="Stop when the calling process is gone.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look after all imported projects, and serve API and pages about them, until interrupted.

    Runs that end are heard of by webhook, where the workspace has one, and by looking every now
    and then. Interrupted, it finishes the steps under way; the next start goes on from there.

    Example: isocost serve --port 8080 --every 60s
    """
    # A web server, Plotly and a database take a second to load; only whoever serves waits.
    from isocost.api.access import Access
    from isocost.api.application import application
    from isocost.api.listening import Address, Listener, check_exposure
    from isocost.api.serving import Served
    from isocost.usecases.watch import Watch
    from isocost.web.pages import beside, pages
    from isocost.wiring import node_types_of, open_loop, open_secrets

    period = _period(every) if poll else None
    settings = read_settings(os.environ)
    token = settings.server.api_token
    address = Address(host, port)
    check_exposure(address, token=token, is_remote_allowed=allow_remote)
    write_log()
    # The web server takes the signal, ends, and raises it again: as an exception it lets the steps
    # under way be finished.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open_loop(settings, tell=_log_step) as loop:
        watch = Watch(loop, period=period)
        secret_of = open_secrets(settings).webhook_secret_of
        served = Served(loop.store, watch.wake, watch.pulse, secret_of, token=token)
        shown = pages(loop.store, node_types_of=partial(node_types_of, settings=settings))
        both = beside(application(served), shown)
        listener = Listener(Access(both, token), address)
        if exit_with_parent:
            parent = os.getppid()
            listener.stop_when(lambda: os.getppid() != parent, period_s=_WATCH_PERIOD_S)
        try:
            with watch:
                listener.serve(lambda: _show(listener.url, is_json=json))
        except KeyboardInterrupt:
            say("Stopped.")


def _period(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    seconds = float(found[1]) * _UNITS_S[found[2] or "s"] if found else 0.0
    if seconds < 1:
        raise InvalidInput(
            f"--every takes a duration of 1 s or more, such as 60s, 5m or 1h; got {text!r}."
        )
    return timedelta(seconds=seconds)


def _log_step(step: "LoopStep", project_id: str) -> None:
    # Each project is listed at each look, and mostly nothing is new.
    level = logging.DEBUG if step == "listed" else logging.INFO
    _LOG.log(level, "step=%s project_id=%s", step.value, project_id)


def _show(url: str, *, is_json: bool) -> None:
    # What was imported lives as long as the server. Looking through it again at each full
    # collection held up every tenth page by 60 to 80 ms.
    gc.freeze()
    if is_json:
        print_json({"url": url, "pid": os.getpid()})
        return
    say("Serving until interrupted with Ctrl-C.")
    typer.echo(f"{url}/")
