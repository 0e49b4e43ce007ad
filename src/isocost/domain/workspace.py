"""Workspaces: where recurring jobs are defined and run, and how they are bought there."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from isocost.errors import InvalidInput

_ONLY_HOST: Final = re.compile(r"https?://[^/?#@\s]+")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Cloud(StrEnum):
    """Who rents out the machines."""

    AWS = "aws"
    AZURE = "azure"


class Plan(StrEnum):
    """What a Databricks workspace is subscribed to; Azure has no enterprise plan."""

    STANDARD = "standard"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


def is_address(text: str) -> bool:
    """Whether a text is an absolute http(s) URL: with a host, and a number as port, if any."""
    try:
        url = urlsplit(text)
        has_port = url.port is None or url.port > 0
    except ValueError:  # a port that is no number, or half a bracket
        return False
    is_whole = url.scheme in {"http", "https"} and bool(url.hostname) and has_port
    return is_whole and not re.search(r"\s", text)


@dataclass(frozen=True, slots=True)
class Workspace:
    """One connected workspace; its token is kept elsewhere.

    Attributes:
        name: the user's own word for it; unique.
        host: `https://` address without a path.
        region: of the cloud, in its own words (`us-east-1`, `eastus`).
        plan: that DBUs are billed by.
        log_destination: where clusters of imported jobs deliver their logs; empty to keep what
            each has.
        webhook_url: where the workspace reaches this product; empty if it is to be polled only.
        fault: why it cannot be used at present; None if it can.
    """

    name: str
    host: str
    cloud: Cloud
    region: str
    plan: Plan
    added_at: datetime
    log_destination: str = ""
    webhook_url: str = ""
    fault: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"A workspace cannot be called {self.name!r}: use up to 63 lower-case letters, "
                "digits, dots, dashes and underscores, a letter or digit first."
            )
        if not is_address(self.host) or not _ONLY_HOST.fullmatch(self.host):
            raise InvalidInput(
                f"{self.host!r} is no workspace's address. Pass it as https://<host>, with no "
                "path behind it, as the browser shows it."
            )

    def with_fault(self, fault: str | None) -> "Workspace":
        """Return this workspace with what is wrong with it at present."""
        return replace(self, fault=fault)
