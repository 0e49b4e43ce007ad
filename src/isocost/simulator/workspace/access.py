"""Bearer tokens in, who they belong to and what they may do out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from isocost.simulator.workspace.refusal import Refusal, denied


class Right(StrEnum):
    """What a token can be denied."""

    READ_JOBS = "jobs.read"
    RUN_JOBS = "jobs.run"
    WRITE_JOBS = "jobs.write"
    READ_CLUSTERS = "clusters.read"
    READ_NODE_TYPES = "node_types.read"
    READ_POLICIES = "policies.read"
    READ_POOLS = "pools.read"
    READ_FILES = "files.read"
    WRITE_FILES = "files.write"
    USE_WAREHOUSE = "warehouse.use"
    READ_SYSTEM_TABLES = "system_tables.read"
    READ_DESTINATIONS = "destinations.read"
    WRITE_DESTINATIONS = "destinations.write"


# How Databricks' messages name what is missing.
_WORDS: Final[Mapping[Right, str]] = {
    Right.READ_JOBS: "View or Admin or Manage Run or Owner",
    Right.RUN_JOBS: "Manage Run or Owner",
    Right.WRITE_JOBS: "Manage or Owner",
    Right.READ_CLUSTERS: "Attach",
    Right.READ_NODE_TYPES: "workspace access",
    Right.READ_POLICIES: "CAN_USE",
    Right.READ_POOLS: "Attach",
    Right.READ_FILES: "READ VOLUME",
    Right.WRITE_FILES: "WRITE VOLUME",
    Right.USE_WAREHOUSE: "CAN USE",
    Right.READ_SYSTEM_TABLES: "SELECT",
    Right.READ_DESTINATIONS: "workspace admin",
    Right.WRITE_DESTINATIONS: "workspace admin",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is.

    Attributes:
        denied: rights that it lacks; it has all others.
        denied_job_ids: databricks jobs that it can neither see nor change.
        expires_at: None for never.
    """

    user_name: str
    denied: frozenset[Right] = frozenset()
    denied_job_ids: frozenset[int] = frozenset()
    expires_at: datetime | None = None

    def demand(self, right: Right, job_id: int | None = None) -> None:
        """Raise Refusal if it may not."""
        if right in self.denied or (job_id is not None and job_id in self.denied_job_ids):
            raise denied(f"User {self.user_name}", _WORDS[right])

    def sees(self, job_id: int) -> bool:
        """Say whether a list shows it this databricks job."""
        return job_id not in self.denied_job_ids


@dataclass(slots=True)
class Access:
    """The tokens of a workspace."""

    tokens: dict[str, Identity] = field(default_factory=dict)

    def identity(self, header: str | None, now: datetime) -> Identity:
        """Return whose `Authorization` header it is; raises Refusal as Databricks does."""
        kind, _, token = (header or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Refusal(
                401, 401, "Credential was not sent or was of an unsupported type for this API."
            )
        found = self.tokens.get(token.strip())
        if found is None or (found.expires_at is not None and now >= found.expires_at):
            raise Refusal(403, 403, "Invalid access token.")
        return found
