"""`isocost whatif`: an event log and core counts in, predicted runtimes out."""

from typing import Annotated

import typer
from rich.table import Table

from isocost.cli.console import OUT, print_json, say
from isocost.errors import InvalidInput
from isocost.usecases.whatif import WhatIf
from isocost.usecases.whatif import whatif as ask
from isocost.wiring import read_profile


def whatif(
    path: Annotated[str, typer.Argument(help="An event log, as `isocost profile` takes it.")],
    *,
    cores: Annotated[str, typer.Option(help="Core counts to predict, separated by commas.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Predict an application's runtime on other core counts, from its event log alone.

    Example: isocost whatif ./eventlog-dir --cores 8,16,32
    """
    core_counts = _core_counts(cores)
    answer = ask(read_profile(path), core_counts)
    if answer.warning:
        say(answer.warning, style="yellow")
    if json:
        print_json(_as_json(answer))
    else:
        OUT.print(_as_table(answer))


def _core_counts(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InvalidInput(
            f"--cores takes whole numbers separated by commas; got {text!r}. Try --cores 8,16,32."
        ) from error


def _as_json(answer: WhatIf) -> dict[str, object]:
    return {
        "observed_s": answer.observed_s,
        "replayed_s": answer.replayed_s,
        "warning": answer.warning,
        "predictions": [
            {
                "cores": p.cores,
                "runtime_s": p.runtime_s,
                "low_s": p.interval_s.low,
                "high_s": p.interval_s.high,
            }
            for p in answer.predictions
        ],
    }


def _as_table(answer: WhatIf) -> Table:
    table = Table(
        title=f"Observed {answer.observed_s:.1f} s; its replay {answer.replayed_s:.1f} s",
        title_justify="left",
    )
    table.add_column("Cores", justify="right")
    table.add_column("Runtime, s", justify="right")
    table.add_column("80 % interval, s", justify="right")
    for p in answer.predictions:
        interval = f"{p.interval_s.low:.1f} to {p.interval_s.high:.1f}"
        table.add_row(str(p.cores), f"{p.runtime_s:.1f}", interval)
    return table
