"""Estimates and ratios in, what captions and axes write for them out."""

from typing import Final

from isocost.domain.run import Run
from isocost.jobbank.analysis.estimates import Estimate
from isocost.jobbank.measured.policies import ENGINE
from isocost.units import PERCENT

# Stands once at the top of a page, so that captions need not repeat it.
NOTE: Final = (
    "± is half of a 95 % confidence interval with each workload as one witness; in brackets, how "
    "many values a mean is of."
)


def percent(fraction: float) -> str:
    """Return a fraction as percent, with as many digits as say something."""
    value = fraction * PERCENT
    text = f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
    return f"{text} %".replace("-", "−")


def points(fraction: float) -> str:
    """Return a difference of fractions in percentage points, with its sign."""
    return f"{fraction * PERCENT:+.1f}".replace("-", "−")


def estimate(found: Estimate) -> str:
    """Return a mean of fractions with half its interval, and how many values it is of."""
    counted = f"({found.value_count:,})"
    if not found.is_interval_known:
        return f"{percent(found.mean)} {counted}"
    return f"{percent(found.mean)} ± {percent(found.half_width).removesuffix(' %')} {counted}"


def times(ratio: float) -> str:
    """Return a ratio, as "2×" or "½×"."""
    fractions = {0.5: "½", 0.25: "¼", 0.125: "⅛"}
    return f"{fractions.get(ratio, f'{ratio:.2g}')}×"


def ran_on(run: Run) -> str:
    """Return the cluster a run was asked for, and how many workers it had if not as many.

    One that scales by itself was asked for at its most, which is what tables count too.
    """
    asked = run.asked_spec or run.spec
    return str(asked) if asked == run.spec else f"{asked} (ran on {run.spec.worker_count})"


def between(low: float, high: float) -> str:
    """Return a range of ratios; one of them where both ends are alike."""
    first, last = times(low), times(high)
    return first if first == last else f"{first} to {last}"


def only_of(policy: str, what: str) -> str:
    """Return the sentence that tells whose `what` is shown, and where those of others are."""
    owner = f"the {policy}" if policy == ENGINE else policy
    return f"{what} of {owner} only; the table at the top has a row for each policy."


def phase_name(phase: str) -> str:
    """Return the name of a phase as words."""
    return phase.replace("_", " ")
