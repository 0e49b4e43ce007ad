"""`isocost bank explain`: why each project of an experiment was given the cluster it has."""

import os
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.cli.console import OUT, print_json
from isocost.domain.recommendation import ConsideredCandidate, Recommendation
from isocost.settings import read_settings
from isocost.units import PERCENT
from isocost.usecases.explain import Account, accounts_of, trade_off
from isocost.wiring import open_store


def explain(
    experiment: Annotated[str, typer.Argument(help="Its name.")],
    *,
    trial: Annotated[
        str | None, typer.Option(help="One trial instead of all, by its identifier.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say why each project was given its cluster, what else there was, and what is not known.

    Example: isocost bank explain first
    """
    store = open_store(read_settings(os.environ))
    try:
        accounts = accounts_of(store, experiment, trial_id=trial)
    finally:
        store.close()
    if json:
        print_json({"experiment": experiment, "projects": [_json(a) for a in accounts]})
        return
    for account in accounts:
        _tell(account)


def _tell(account: Account) -> None:
    trial, phase = account.trial, account.project.phase.value
    _say(f"{trial.workload} ({trial.policy}, trial {trial.trial_id}, {phase})", style="bold")
    if account.silence is not None:
        _say(account.silence)
    for recommendation in account.recommendations:
        _tell_recommendation(recommendation)
    _say("")


def _tell_recommendation(recommendation: Recommendation) -> None:
    evidence = recommendation.evidence
    state = recommendation.state.value.replace("_", " ")
    verdict = f": {recommendation.verdict}" if recommendation.verdict else ""
    _say(evidence.reason)
    for sentence in evidence.explanation:
        _say(f"  • {sentence}")
    causes = recommendation.prediction.causes
    # Where there are several, a sentence of the explanation has told the largest of them.
    if causes and not any(causes[0].name in sentence for sentence in evidence.explanation):
        shares = ", ".join(f"{c.name} {c.share * PERCENT:.0f} %" for c in causes)
        _say(f"  • Shares in the uncertainty of its runtime: {shares}.")
    _say(f"  • After run {recommendation.parent_run_id}; {state}{verdict}.")
    OUT.print(_table(trade_off(recommendation), recommendation))


def _say(text: str, *, style: str = "") -> None:
    OUT.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _table(found: Sequence[ConsideredCandidate], recommendation: Recommendation) -> Table:
    table = Table(title="What more speed costs", title_justify="left", box=SIMPLE_HEAD)
    table.caption = (
        "→ chosen; the others are the curve along which more speed costs more, out of "
        f"{recommendation.evidence.candidate_count} candidates."
    )
    table.caption_justify = "left"
    table.add_column("")
    table.add_column("Cluster", no_wrap=True)
    for heading in ("Runtime, s", "80 %, s", "Cost, USD", "In time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for candidate in found:
        p = candidate.prediction
        table.add_row(
            "→" if candidate.spec == recommendation.spec else "",
            str(candidate.spec),
            f"{p.runtime_s:,.1f}",
            f"{p.runtime_80_s.low:,.1f} to {p.runtime_80_s.high:,.1f}",
            f"{p.cost_usd:,.2f}" if p.cost_usd >= 1 else f"{p.cost_usd:.3g}",
            "–" if p.sla_probability is None else f"{p.sla_probability * PERCENT:.0f} %",
        )
    return table


def _json(account: Account) -> dict[str, object]:
    sla = account.project.sla
    return {
        "trial_id": account.trial.trial_id,
        "project_id": account.project.project_id,
        "workload": account.trial.workload,
        "policy": account.trial.policy,
        "phase": account.project.phase.value,
        "max_runtime_s": None if sla is None else sla.max_runtime_s,
        "silence": account.silence,
        "recommendations": [_recommendation_json(r) for r in account.recommendations],
    }


def _recommendation_json(recommendation: Recommendation) -> dict[str, object]:
    evidence = recommendation.evidence
    return {
        "recommendation_id": recommendation.recommendation_id,
        "cluster_key": recommendation.cluster_key,
        "parent_run_id": recommendation.parent_run_id,
        "cluster": str(recommendation.spec),
        "state": recommendation.state.value,
        "verdict": recommendation.verdict,
        "reason": evidence.reason,
        "explanation": list(evidence.explanation),
        "meets_sla": evidence.meets_sla,
        "candidate_count": evidence.candidate_count,
        "prediction": msgspec.to_builtins(recommendation.prediction),
        "tradeoff": [
            {
                "cluster": str(candidate.spec),
                "is_chosen": candidate.spec == recommendation.spec,
                **msgspec.to_builtins(candidate.prediction),
            }
            for candidate in trade_off(recommendation)
        ],
    }
