"""A run, a prediction or a change in; the text that its mark in a figure shows on hover, out."""

from html import escape
from typing import Final

from isocost.domain.change import Change, ChangeKind
from isocost.domain.recommendation import Interval
from isocost.domain.run import Run
from isocost.usecases.project_history import ProjectHistory
from isocost.usecases.project_view import ExecutionView
from isocost.web.wording import moment, percent, seconds, usd, words

_LEAST_SHARE: Final = 0.05  # as everywhere: less explains nothing
_FAILURE_SHOWN: Final = 80  # characters; the page has the whole text


def execution(each: ExecutionView) -> str:
    """Return what the mark of a whole run says."""
    ran = each.execution
    verdict = {None: "no SLA", True: "SLA met", False: "SLA missed"}[each.is_sla_met]
    outcome = "" if ran.is_success else ", failed"
    return (
        f"<b>run {ran.ordinal}</b>, {moment(ran.started_at)}<br>"
        f"took {seconds(ran.duration_s)}{outcome}; {verdict}<br>cost {usd(each.cost_usd)}"
    )


def cluster(each: ExecutionView, run: Run) -> str:
    """Return what the mark of one cluster's run says."""
    took = (
        f"failed: {escape(run.failure[:_FAILURE_SHOWN])}"
        if run.failure
        else seconds(run.runtime_s)
    )
    cost = None if run.cost is None else run.cost.total_usd
    lost = f"<br>{run.spot_loss_count} nodes lost to spot" if run.spot_loss_count else ""
    asked = run.asked_spec or run.spec
    ran = "" if asked == run.spec else f" (ran on {escape(str(run.spec))})"
    return (
        f"<b>run {each.execution.ordinal}</b>, {escape(run.cluster_key)}<br>"
        f"{escape(str(asked))}{ran}<br>{took}, {usd(cost)}{lost}"
    )


def interval(name: str, interval: Interval) -> str:
    """Return what the bar of a prediction says."""
    return f"{name}: {seconds(interval.low)} to {seconds(interval.high)}"


def deviation(each: ExecutionView, run: Run) -> str:
    """Return what the ring around a run that deviated says: its causes and their shares."""
    found = run.deviation
    if found is None:
        return ""
    shares = "".join(
        f"<br>{words(share.cause)} {percent(share.fraction)}"
        + (f": {escape(share.detail)}" if share.detail else "")
        for share in found.shares
        if share.fraction >= _LEAST_SHARE
    )
    return (
        f"<b>run {each.execution.ordinal}</b>, {escape(run.cluster_key)}: took "
        f"{seconds(found.actual_s)}, expected {seconds(found.expected_s)}{shares}"
    )


def change(history: ProjectHistory, change: Change) -> str:
    """Return what the mark of a change of clusters says."""
    known = history.recommendations
    specs = ", ".join(str(known[each].spec) for each in change.recommendation_ids if each in known)
    what = "applied" if change.kind is ChangeKind.APPLY else "went back to"
    return f"{what} {escape(specs) or 'the first cluster'}, {moment(change.made_at)}"
