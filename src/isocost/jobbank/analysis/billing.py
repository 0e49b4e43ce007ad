"""Rows in; how far list-cost estimates are from the bill, out, by how machines were bought."""

from collections.abc import Iterable
from dataclasses import dataclass

from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import RunRow


@dataclass(frozen=True, slots=True)
class Billing:
    """Runs whose machines were bought in one way.

    Attributes:
        excess: the bill over the list cost, less 1.
        excesses: of each run.
    """

    purchase: str
    excess: Estimate
    excesses: tuple[float, ...]


def billings(rows: Rows) -> list[Billing]:
    """Return the runs with a known bill: those on demand, with spot machines, and all failed."""
    known = [run for run in rows.runs if run.billed_usd is not None and run.list_usd]
    groups: dict[str, list[RunRow]] = {}
    for run in known:
        groups.setdefault(_purchase(run), []).append(run)
    found = [_billing(purchase, groups[purchase]) for purchase in sorted(groups)]
    return [each for each in found if each is not None]


def _purchase(run: RunRow) -> str:
    if run.runtime_s is None:
        return "failed"
    bought = "spot" if run.spot_usd else "on demand"
    return f"{bought}, with volumes" if run.disk_usd else bought


def _billing(purchase: str, runs: Iterable[RunRow]) -> Billing | None:
    excesses = [
        (run.workload, run.billed_usd / run.list_usd - 1.0)
        for run in runs
        if run.billed_usd is not None and run.list_usd
    ]
    estimate = clustered_mean(excesses)
    if estimate is None:
        return None
    return Billing(purchase, estimate, tuple(excess for _, excess in excesses))
