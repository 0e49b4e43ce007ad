"""Faults ordered for the API in; what happens to the next requests out."""

import re
from dataclasses import dataclass, field
from typing import Final

from isocost.errors import InvalidInput
from isocost.simulator.workspace.refusal import Refusal

# A slow answer must end before a test's patience does.
MOST_DELAY_S: Final = 30.0
_CODES: Final = {
    429: ("REQUEST_LIMIT_EXCEEDED", "Your request was rejected since your organization has "
          "exceeded the rate limit. Please retry your request later."),
    500: ("INTERNAL_ERROR", "An internal error occurred."),
    502: ("BAD_GATEWAY", "Bad gateway."),
    503: ("TEMPORARILY_UNAVAILABLE", "The service at this path is taking too long to process "
          "your request. Please try again later or try a faster operation."),
    504: ("DEADLINE_EXCEEDED", "The request timed out."),
}  # fmt: skip


@dataclass(slots=True)
class ApiFault:
    """What happens to the next requests that it meets.

    Attributes:
        status: the answer's; 0 lets the request through, late.
        times: how many more requests it meets; it is gone after them.
        path: regular expression that a part of the path matches.
        every: it meets each so-many-th of its requests.
        is_each_address: the requests of each address (method, path and query) are counted apart,
            and it meets the first of them and each so-many-th after that. So it meets the same
            requests again whatever is asked at the same time.
    """

    status: int = 0
    times: int = 1
    path: str = ""
    method: str = ""
    delay_s: float = 0.0
    retry_after_s: int | None = None
    message: str = ""
    every: int = 1
    is_each_address: bool = False
    seen: int = 0
    seen_by_address: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status and self.status not in _CODES:
            raise InvalidInput(f"A fault answers one of {sorted(_CODES)}; got {self.status}.")
        if not 0 <= self.delay_s <= MOST_DELAY_S or self.times < 1 or self.every < 1:
            raise InvalidInput(
                f"A fault delays by 0 to {MOST_DELAY_S} s, once or more often; got {self}."
            )
        re.compile(self.path)

    def meets(self, method: str, path: str, query: str = "") -> bool:
        """Say whether it falls upon this request, which it counts."""
        if self.times < 1 or (self.method and self.method != method):
            return False
        if not re.search(self.path, path):
            return False
        if not self._is_turn_of(f"{method} {path}?{query}"):
            return False
        self.times -= 1
        return True

    def _is_turn_of(self, address: str) -> bool:
        self.seen += 1
        if not self.is_each_address:
            return self.seen % self.every == 0
        before = self.seen_by_address.get(address, 0)
        self.seen_by_address[address] = before + 1
        return before % self.every == 0

    def refusal(self) -> Refusal | None:
        """Return its answer; None if the request goes through."""
        if not self.status:
            return None
        code, message = _CODES[self.status]
        return Refusal(
            self.status, code, self.message or message, retry_after_s=self.retry_after_s
        )


class ApiFaults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self.pending: list[ApiFault] = []

    def next_for(self, method: str, path: str, query: str = "") -> ApiFault | None:
        """Return the first fault that falls upon a request; None if none does."""
        found = next((f for f in self.pending if f.meets(method, path, query)), None)
        self.pending = [fault for fault in self.pending if fault.times > 0]
        return found
