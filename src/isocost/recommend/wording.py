"""Amounts in, what sentences about recommendations write for them out."""

from typing import Final

# What tells amounts apart that are as good as the same, and still ends.
_MOST_DIGITS: Final = 9


def told_usd(usd: float, extra_digits: int = 0) -> str:
    """Return dollars: cents from one dollar on, three digits below."""
    if usd >= 1:
        return f"{usd:,.{2 + extra_digits}f} USD"
    return f"{usd:.{3 + extra_digits}g} USD"


def told_apart(*usd: float) -> tuple[str, ...]:
    """Return dollars, with more digits where else two different amounts would read the same."""
    for extra_digits in range(_MOST_DIGITS):
        told = tuple(told_usd(each, extra_digits) for each in usd)
        if len(set(told)) == len(set(usd)):
            break
    return told
