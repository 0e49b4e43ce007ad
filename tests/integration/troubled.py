"""A workspace on each cloud, calm and under each fault that real ones have, for whole suites.

A suite takes `here` of a fixture that is parametrized by `PLACES`. Where a fault changes what is
true, the test asks for `here.fault` and says what is true then.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from itertools import product

import pytest

from isocost.domain.workspace import Cloud
from isocost.platforms.databricks.connection import Calls
from isocost.testing.workspaces import a_workspace


class Fault(StrEnum):
    """What is wrong with a workspace all the time."""

    NONE = "calm"
    LIMITED = "429"
    FAILING = "500"
    AWAY = "503"
    SLOW = "slow"
    LATE_LOGS = "late_logs"
    CUT_LOGS = "cut_logs"
    SPOT_STORM = "spot_storm"
    EDITED = "edited"
    UNKNOWN_FIELDS = "unknown_fields"


# Each address is refused the first time it is asked, and again each second time after that.
_REFUSED = {"is_each_address": True, "every": 2, "times": 1_000_000}
_OF_THE_API = {
    Fault.LIMITED: _REFUSED | {"status": 429, "retry_after_s": 1},
    Fault.FAILING: _REFUSED | {"status": 500},
    Fault.AWAY: _REFUSED | {"status": 503, "retry_after_s": 1},
    Fault.SLOW: {"delay_s": 0.1, "every": 6, "times": 1_000_000},
}
_WHOLE_TEST_S = 10_000_000.0
LOG_DELAY_S = 7_200.0
# Of nodes that a cloud takes away, four in a node's hour: some in each run of a quarter of one.
STORM = {"spot_losses_per_node_hour": 4.0, "seconds": _WHOLE_TEST_S}
# What nobody knows, in the forms that JSON has.
STRANGE = {"invented": {"deep": [{"a": 1.50}, None]}, "zzz": True}
THEIRS = {"description": "theirs"}

PLACES = [pytest.param(place, id="-".join(place)) for place in product(Cloud, Fault)]
CALM = Cloud.AWS, Fault.NONE


class Place:
    """A workspace as the product sees it, and its control plane."""

    def __init__(self, address, control, cloud, *, fault):
        self.address, self.control = address, control
        self.cloud, self.fault = cloud, fault
        self.calls = self.calls_of(address.token)

    def calls_of(self, token, url="", **limits):
        # What is told to wait waits for next to nothing: how long is another test's question.
        limits = {"patience_s": 20, "longest_pause_s": 0.01} | limits
        return Calls(url or self.address.url, token, **limits)

    @property
    def strange(self):
        """Fields for each level of a definition."""
        return STRANGE if self.fault is Fault.UNKNOWN_FIELDS else {}

    def create(self, settings, **behaviour):
        """Create a databricks job."""
        definition_id = str(self.control.add_job(settings, **behaviour))
        self.await_edit(definition_id)
        return definition_id

    def await_edit(self, definition_id):
        """Under `EDITED`, have somebody change a definition right after it is read next."""
        if self.fault is Fault.EDITED:
            self.control.edit_job(int(definition_id), THEIRS, after_read=True)


@contextmanager
def trouble(kind, place, endings, **options) -> Iterator[Place]:
    """Give a workspace at a cloud with a fault, as `kind` of `Place` sees it.

    Args:
        kind: makes what is given.
        place: a cloud and a fault.
        endings: where the server ends, which takes 0.2 s that nobody need wait for.
        options: of the workspace.
    """
    cloud, fault = place
    with ExitStack() as stack:
        address, control = stack.enter_context(a_workspace(seed=7, cloud=cloud, **options))
        _order(fault, control)
        yield kind(address, control, cloud, fault=fault)
        later: Executor = endings
        later.submit(stack.pop_all().close)


def _order(fault, control):
    if fault in _OF_THE_API:
        control.fault(**_OF_THE_API[fault])
    elif fault is Fault.LATE_LOGS:
        control.log_trouble(delay_s=LOG_DELAY_S, seconds=_WHOLE_TEST_S)
    elif fault is Fault.CUT_LOGS:
        control.log_trouble(kept_fraction=0.5, seconds=_WHOLE_TEST_S)
    elif fault is Fault.SPOT_STORM:
        control.trouble(**STORM)
