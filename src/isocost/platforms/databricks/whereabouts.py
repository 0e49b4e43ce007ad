"""A connected workspace in; the region it rents machines in, where it says so, out."""

import re
from typing import Final

from isocost.platforms.databricks.connection import Calls

_ZONE: Final = re.compile(r"([a-z]+(?:-[a-z]+)+-\d+)[a-z]")


def region_of(calls: Calls) -> str:
    """Return the region; empty where the workspace does not say, as on Azure.

    AWS names zones after their region: `us-east-1a`. On Azure there are none to choose.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    answer = calls.get("listing zones", "/api/2.1/clusters/list-zones")
    zones = (str(answer.get("default_zone") or ""), *map(str, answer.get("zones") or ()))
    matches = (_ZONE.fullmatch(zone) for zone in zones)
    return next((match.group(1) for match in matches if match), "")
