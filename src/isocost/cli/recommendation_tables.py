"""Recommendations in; tables and sentences for people and JSON for machines out."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.cli.amounts import told_seconds
from isocost.cli.listing import Heading, Listing
from isocost.cli.project_tables import percent, usd
from isocost.domain.recommendation import Prediction, Recommendation
from isocost.usecases.explain import trade_off
from isocost.usecases.project_view import told_state

# As many as fit on a screen; --json has all that are stored.
_REJECTIONS_SHOWN: Final = 12


def recommendation_listing(found: Sequence[Recommendation]) -> Listing:
    """Return one row for each recommendation."""
    return Listing(
        title="Recommendations",
        headings=(
            *(Heading(n) for n in ("Recommendation", "Cluster", "Runtime (80 %)", "Cost (80 %)")),
            Heading("In time", is_right=True),
            Heading("State"),
        ),
        rows=[_row(each) for each in found],
        caption="Predictions are medians with their 80 % intervals; list cost in USD.",
    )


def _row(found: Recommendation) -> tuple[str, ...]:
    p = found.prediction
    verdict = "" if found.verdict is None else f": {found.verdict}"
    return (
        found.recommendation_id,
        str(found.spec),
        _told_runtime(p),
        _told_cost(p),
        percent(p.sla_probability),
        told_state(found.state) + verdict,
    )


def _told_runtime(p: Prediction) -> str:
    low, high = told_seconds(p.runtime_80_s.low), told_seconds(p.runtime_80_s.high)
    return f"{told_seconds(p.runtime_s)} ({low} to {high})"


def _told_cost(p: Prediction) -> str:
    return f"{usd(p.cost_usd)} ({usd(p.cost_80_usd.low)} to {usd(p.cost_80_usd.high)})"


def recommendation_lines(found: Recommendation) -> Iterator[str]:
    """Yield what there is to say of one recommendation before its tables."""
    p, evidence = found.prediction, found.evidence
    verdict = "" if found.verdict is None else f": {found.verdict}"
    yield f"{found.recommendation_id}: {found.spec} for cluster {found.cluster_key}"
    yield f"State: {told_state(found.state)}{verdict}"
    yield f"After run {found.parent_run_id}, drafted {found.drafted_at:%Y-%m-%d %H:%M} UTC"
    yield f"Runtime, 80 %: {_told_runtime(p)}"
    yield f"List cost, 80 %: {_told_cost(p)} USD"
    if p.sla_probability is not None:
        yield f"Chance to succeed in time: {percent(p.sla_probability)}"
    if not evidence.meets_sla:
        yield "No candidate keeps the deadline; this one is the surest to be fast."
    yield f"Why: {evidence.reason}"
    for sentence in evidence.explanation:
        yield f"  • {sentence}"
    # Where there are several, a sentence of the explanation has told the largest of them.
    if p.causes and not any(p.causes[0].name in sentence for sentence in evidence.explanation):
        shares = ", ".join(f"{cause.name} {percent(cause.share)}" for cause in p.causes)
        yield f"  • Shares in the uncertainty of its runtime: {shares}"
    yield f"Learned from {len(evidence.history_run_ids)} runs: " + ", ".join(
        evidence.history_run_ids
    )
    if evidence.replay_error_fraction is not None:
        yield (
            "Replay of the newest run's own cluster was off by "
            f"{percent(evidence.replay_error_fraction, is_signed=True)}"
        )


def tradeoff_table(found: Recommendation) -> Table:
    """Return the candidates along which more speed costs more, and the chosen one."""
    table = Table(title="What more speed costs", title_justify="left", box=SIMPLE_HEAD)
    table.caption = f"→ chosen, out of {found.evidence.candidate_count} candidates."
    table.caption_justify = "left"
    table.add_column("")
    table.add_column("Cluster", no_wrap=True)
    for heading in ("Runtime (80 %)", "Cost, USD (80 %)", "In time"):
        table.add_column(heading, justify="right")
    for candidate in trade_off(found):
        p = candidate.prediction
        arrow = "→" if candidate.spec == found.spec else ""
        in_time = percent(p.sla_probability)
        table.add_row(arrow, str(candidate.spec), _told_runtime(p), _told_cost(p), in_time)
    return table


def rejection_lines(found: Recommendation) -> Iterator[str]:
    """Yield the candidates that limits forbid, with the two numbers compared."""
    rejections = found.evidence.rejections
    total = len(rejections) + found.evidence.further_rejection_count
    if not total:
        return
    yield f"Rejected: {total} candidates"
    for rejection in rejections[:_REJECTIONS_SHOWN]:
        yield f"  {rejection}"
    if total > _REJECTIONS_SHOWN:
        yield f"  and {total - min(len(rejections), _REJECTIONS_SHOWN)} more"


def recommendation_json(found: Recommendation, *, is_whole: bool = False) -> dict[str, Any]:
    """Return a recommendation as an object; with its evidence if it is to be whole."""
    shown = {
        "recommendation_id": found.recommendation_id,
        "project_id": found.project_id,
        "cluster_key": found.cluster_key,
        "parent_run_id": found.parent_run_id,
        "cluster": str(found.spec),
        "state": found.state.value,
        "verdict": found.verdict,
        "drafted_at": found.drafted_at.isoformat(),
        "reason": found.evidence.reason,
        "prediction": msgspec.to_builtins(found.prediction),
    }
    return shown | _evidence_json(found) if is_whole else shown


def _evidence_json(found: Recommendation) -> dict[str, Any]:
    evidence = found.evidence
    return {
        "meets_sla": evidence.meets_sla,
        "explanation": list(evidence.explanation),
        "history_run_ids": list(evidence.history_run_ids),
        "replay_error_fraction": evidence.replay_error_fraction,
        "candidate_count": evidence.candidate_count,
        "tradeoff": [
            {
                "cluster": str(candidate.spec),
                "is_chosen": candidate.spec == found.spec,
                **msgspec.to_builtins(candidate.prediction),
            }
            for candidate in trade_off(found)
        ],
        "rejected_count": len(evidence.rejections) + evidence.further_rejection_count,
        "rejections": [
            {
                "cluster": str(rejection.spec),
                "limit": rejection.limit,
                "actual": rejection.actual,
                "allowed": rejection.allowed,
                "unit": rejection.unit,
            }
            for rejection in evidence.rejections
        ],
    }
