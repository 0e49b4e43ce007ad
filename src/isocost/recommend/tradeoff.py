"""Runtimes and costs of candidates in, the curve on which more speed costs more money out."""

import numpy as np
import numpy.typing as npt

from isocost.model.points import Floats


def front(runtime_s: Floats, cost_usd: Floats) -> npt.NDArray[np.intp]:
    """Return the places no other candidate beats in both, the cheapest first.

    Args:
        runtime_s: (candidates,).
        cost_usd: (candidates,).
    """
    by_cost = np.lexsort((runtime_s, cost_usd))
    fastest = np.minimum.accumulate(runtime_s[by_cost])
    is_faster = np.append(True, fastest[1:] < fastest[:-1])
    return np.asarray(by_cost[is_faster], dtype=np.intp)


def thinned(places: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return at most `most` places, evenly along the curve and both of its ends among them."""
    if len(places) <= most:
        return places
    even = np.linspace(0, len(places) - 1, most).round().astype(np.intp)
    return np.asarray(places[np.unique(even)], dtype=np.intp)
