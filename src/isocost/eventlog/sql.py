"""SQL plans and stages' accumulators in, fingerprints and operators by stage out.

Plans are the longest lines of a log: one may be megabytes long and is written again at each step
of adaptive execution. Only the last one counts, so it is held as bytes and decoded once, when its
execution has ended; and what is known of an execution's operators is dropped soon after.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec

from isocost.domain.profile import Operator
from isocost.eventlog import plans
from isocost.eventlog.events import (
    UNDECODABLE,
    Accumulable,
    AdaptiveUpdate,
    SqlEnd,
    SqlStart,
    SqlStartWithText,
)
from isocost.eventlog.plans import PlanNode
from isocost.units import BYTES_PER_MIB

# Plans of running executions held as bytes; beyond this they are decoded at once, which takes
# less memory and more time.
MAX_HELD_BYTES: Final = 32 * BYTES_PER_MIB
# First plans of running executions held decoded, for adaptive execution replaces most of them; few
# applications run so many queries at once.
MAX_HELD_PLANS: Final = 64
# Stage ends may stand after the end of their execution; so many executions later none does.
LINGERING_EXECUTIONS: Final = 16

_EXECUTION_ID: Final = re.compile(rb'"executionId":(\d{1,18})[,}]')
_ROW_METRICS: Final = frozenset({"number of output rows", "num output rows"})
_FILES_READ: Final = "number of files read"
_BYTES_READ: Final = "size of files read"
_FILES_WRITTEN: Final = "number of written files"
_BYTES_WRITTEN: Final = "written output"


_decode_update: Final = msgspec.json.Decoder(AdaptiveUpdate).decode


@dataclass(slots=True)
class OperatorIndex:
    """Which operator each accumulator belongs to, and what it counts.

    Attributes:
        names: per operator, in order of the plan.
        metrics: accumulator ID → (position in `names`, metric's name).
    """

    names: list[str] = field(default_factory=list)
    metrics: dict[int, tuple[int, str]] = field(default_factory=dict)


@dataclass(slots=True)
class SqlFold:
    """What is known of one SQL execution."""

    execution_id: int
    root_execution_id: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    is_started: bool = False
    is_ended: bool = False
    is_failed: bool | None = None
    description_hash: str | None = None
    plan_fingerprint: str | None = None
    description: str | None = None
    plan_text: str | None = None
    files: Counter[str] = field(default_factory=Counter)


class _Pending:
    """An execution whose operators are still wanted."""

    def __init__(self) -> None:
        self.index = OperatorIndex()
        self.first_plan: PlanNode | None = None
        self.update_line: bytes | None = None
        self.stages: dict[tuple[int, int], dict[int, Any]] = {}
        self.driver_values: dict[int, int] = {}


class SqlBook:
    """Everything about SQL executions.

    Attributes:
        inputs: what all plans' scans read.
        operators: by stage attempt.
        undecodable_plan_count: plans that could not be read; their operators are not known.
    """

    def __init__(self) -> None:
        self.executions: dict[int, SqlFold] = {}
        self.inputs: set[str] = set()
        self.operators: dict[tuple[int, int], tuple[Operator, ...]] = {}
        self.undecodable_plan_count = 0
        self._pending: dict[int, _Pending] = {}
        self._ended: deque[int] = deque()
        self._held_bytes = 0

    def start(self, event: SqlStart) -> None:
        """Take the start of an execution, with its first plan."""
        fold = self._fold(event.execution_id)
        fold.is_started, fold.start_ms = True, event.time_ms
        fold.root_execution_id = event.root_execution_id
        if event.description:
            fold.description_hash = plans.hashed([event.description])
        if isinstance(event, SqlStartWithText):
            fold.description, fold.plan_text = event.description, event.plan_text
        if event.plan is not None:
            fold.plan_fingerprint = plans.fingerprint(event.plan)
            self.inputs |= plans.inputs(event.plan)
            pending = self._pending_of(event.execution_id)
            pending.first_plan = pending.first_plan or event.plan
            if len(self._pending) > MAX_HELD_PLANS:
                for held in self._pending.values():
                    self._decode(held)

    def update(self, line: bytes) -> None:
        """Take a new plan of an execution, undecoded."""
        match = _EXECUTION_ID.search(line, 0, 400)
        if match is None:
            self.undecodable_plan_count += 1
            return
        pending = self._pending_of(int(match.group(1)))
        self._held_bytes += len(line) - len(pending.update_line or b"")
        pending.update_line = line
        if self._held_bytes > MAX_HELD_BYTES:
            for held in self._pending.values():
                self._decode(held)

    def driver_values(self, execution_id: int, values: Iterable[tuple[int, int]]) -> None:
        """Take what the driver counted, as (accumulator ID, value)."""
        self._fold(execution_id)
        self._pending_of(execution_id).driver_values.update(values)

    def stage_values(
        self, execution_id: int, stage: tuple[int, int], values: Iterable[Accumulable]
    ) -> None:
        """Take the accumulators of a completed stage attempt."""
        self._pending_of(execution_id).stages[stage] = {
            value.accumulator_id: value.value for value in values if value.metadata == "sql"
        }

    def end(self, event: SqlEnd) -> None:
        """Take the end of an execution."""
        fold = self._fold(event.execution_id)
        fold.is_ended, fold.end_ms = True, event.time_ms
        if event.error_message is not None:
            fold.is_failed = bool(event.error_message)
        self._ended.append(event.execution_id)
        if len(self._ended) > LINGERING_EXECUTIONS:
            self._settle(self._ended.popleft())

    def finish(self) -> None:
        """Settle all that is left."""
        for execution_id in list(self._pending):
            self._settle(execution_id)

    def _fold(self, execution_id: int) -> SqlFold:
        fold = self.executions.get(execution_id)
        if fold is None:
            fold = self.executions[execution_id] = SqlFold(execution_id)
        return fold

    def _pending_of(self, execution_id: int) -> _Pending:
        pending = self._pending.get(execution_id)
        if pending is None:
            pending = self._pending[execution_id] = _Pending()
        return pending

    def _decode(self, pending: _Pending) -> None:
        """Make the operators known of the latest plan that is held."""
        plan, pending.first_plan = pending.first_plan, None
        updated = self._updated(pending)
        if updated is not None:
            self.inputs |= plans.inputs(updated)
            pending.index = _index(updated)
        elif plan is not None and not pending.index.names:
            pending.index = _index(plan)

    def _updated(self, pending: _Pending) -> PlanNode | None:
        """Return the plan of the update that is held, and let go of it."""
        line, pending.update_line = pending.update_line, None
        if line is None:
            return None
        self._held_bytes -= len(line)
        try:
            return _decode_update(line).plan
        except UNDECODABLE:
            self.undecodable_plan_count += 1
            return None

    def _settle(self, execution_id: int) -> None:
        pending = self._pending.pop(execution_id, None)
        if pending is None:
            return
        self._decode(pending)
        for stage, values in pending.stages.items():
            self.operators[stage] = _operators(pending.index, values)
        files = self._fold(execution_id).files
        for accumulator_id, value in pending.driver_values.items():
            _, metric = pending.index.metrics.get(accumulator_id, (0, ""))
            if metric in {_FILES_READ, _BYTES_READ, _FILES_WRITTEN, _BYTES_WRITTEN}:
                files[metric] += max(0, value)


def files_of(fold: SqlFold) -> dict[str, int | None]:
    """Return the counts and bytes of files as `SqlExecution` names them; None if unknown."""
    return {
        "files_read_count": fold.files.get(_FILES_READ),
        "files_read_bytes": fold.files.get(_BYTES_READ),
        "files_written_count": fold.files.get(_FILES_WRITTEN),
        "files_written_bytes": fold.files.get(_BYTES_WRITTEN),
    }


def _index(plan: PlanNode) -> OperatorIndex:
    nodes = plans.walk(plan)
    # From the last to the first, so that an accumulator belongs to the first that names it.
    metrics = {
        metric.accumulator_id: (position, metric.name)
        for position in range(len(nodes) - 1, -1, -1)
        for metric in nodes[position].metrics[::-1]
    }
    return OperatorIndex([plans.operator_name(node.name) for node in nodes], metrics)


def _operators(index: OperatorIndex, values: dict[int, Any]) -> tuple[Operator, ...]:
    """Return the operators that moved any of a stage's accumulators."""
    positions: dict[str, set[int]] = {}
    rows: dict[str, int] = {}
    for accumulator_id in values.keys() & index.metrics.keys():
        position, metric = index.metrics[accumulator_id]
        name = index.names[position]
        positions.setdefault(name, set()).add(position)
        if metric in _ROW_METRICS and str(value := values[accumulator_id]).isdecimal():
            rows[name] = rows.get(name, 0) + int(value)
    return tuple([
        _operator(name, len(positions[name]), rows.get(name)) for name in sorted(positions)
    ])


@lru_cache(maxsize=4096)
def _operator(name: str, count: int, output_row_count: int | None) -> Operator:
    """Return the value, shared between the many stages of a loop."""
    return Operator(
        name=name,
        kind=plans.kind_of(name),
        is_photon=plans.is_photon(name),
        count=count,
        output_row_count=output_row_count,
    )
