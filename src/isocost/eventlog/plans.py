"""A SQL plan as Spark logs it in; its operators, inputs and a fingerprint of the code out.

The fingerprint answers "is this the same query as last week?". So everything is left out that
changes without the code: expression and plan IDs, numbers and dates (a daily run filters by its
day), locations, and every choice that Spark makes from data sizes (join strategy and build side,
exchanges, local sorts, code generation, what adaptive execution rewrote, Photon or not). The price
is that a change of nothing but a literal is taken for a change of data.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from isocost.domain.profile import OperatorKind

HASH_LENGTH: Final = 16  # 64 bits: less than one false match in 10^9 among 10^5 plans


class PlanMetric(msgspec.Struct, gc=False, rename={"accumulator_id": "accumulatorId"}):
    """`SQLMetricInfo`."""

    name: str
    accumulator_id: int


class PlanNode(msgspec.Struct, rename={"name": "nodeName", "text": "simpleString"}):
    """`SparkPlanInfo`: one operator and those it reads from."""

    name: str
    text: str = ""
    children: list["PlanNode"] = []
    metrics: list[PlanMetric] = []
    metadata: dict[str, str] = {}


_KINDS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            OperatorKind.WRITE,
            "Insert|WriteFiles|WriteTo|SaveInto|AppendData|Overwrite|AsSelect|Merge(Rows|Into)|"
            "ReplaceData|WriteDelta",
        ),
        (OperatorKind.SCAN, "Scan"),
        (OperatorKind.JOIN, "Join|CartesianProduct"),
        (OperatorKind.AGGREGATE, "Agg"),
        (OperatorKind.EXCHANGE, "Exchange|ShuffleMapStage"),
        (OperatorKind.SORT, "Sort|TakeOrdered|TopK"),
        (OperatorKind.WINDOW, "Window"),
        (OperatorKind.PYTHON, "Python|Pandas|Arrow"),
    )
)
_PHOTON: Final = "Photon"
_CODEGEN_ID: Final = re.compile(r" \(\d+\)$")
_SCANNED_TABLE: Final = re.compile(r"^(\w*Scan \w+) .*")

# Operators that Spark adds, moves or drops by data size, configuration or engine.
_ENGINE: Final = re.compile(
    "AdaptiveSparkPlan|QueryStage|ShuffleRead|WholeStageCodegen|InputAdapter|ColumnarToRow|"
    "RowToColumnar|Exchange(?!.*REPARTITION)|ShuffleMapStage|ResultStage|WriteFiles"
)
_LOCAL_SORT: Final = re.compile(r"Sort .*, false, \d+$", re.DOTALL)
_LOCATION: Final = re.compile(r"\w+FileIndex\s?(?:\(\d+ paths\))?\[[^\]]*\]?|\w+:/+[^\s,\])]+")
_VOLATILE: Final = re.compile(
    r"#\d+L?|\[?(?:plan_)?id=#?\d+\]?|Statistics\([^)]*\)?|\d{4,}|Build(?:Left|Right)|"
    r"\b(?:true|false|skew|isSkewJoin|isFinalPlan|TMP|tmp)\b"
)
_WORD: Final = re.compile(r"[A-Za-z_][\w.]*")
_DIGITS: Final = re.compile(r"\d+")


def walk(root: PlanNode) -> Iterator[PlanNode]:
    """Yield every operator, the root first; plans may be deeper than Python's stack."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def operator_name(node: PlanNode) -> str:
    """Return the operator's name without its code generation ID and without a table's name."""
    return _SCANNED_TABLE.sub(r"\1", _CODEGEN_ID.sub("", node.name)).strip()


def is_photon(name: str) -> bool:
    """Say whether an operator runs in Photon."""
    return name.startswith(_PHOTON)


def kind_of(name: str) -> OperatorKind:
    """Return what an operator does, by its name."""
    for kind, pattern in _KINDS:
        if pattern.search(name):
            return kind
    return OperatorKind.OTHER


def fingerprint(root: PlanNode) -> str:
    """Return a hash of the query that survives other data, other dates and another cluster."""
    return hashed(_signature(root))


def inputs(root: PlanNode) -> set[str]:
    """Return what the plan's scans read: location without numbers, and format."""
    return {_input(node) for node in walk(root) if kind_of(node.name) is OperatorKind.SCAN}


def hashed(parts: Iterable[str]) -> str:
    """Return a short hash of a sequence of texts; the order matters."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "replace"))
        digest.update(b"\0")
    return digest.hexdigest()[:HASH_LENGTH]


def _signature(root: PlanNode) -> Iterator[str]:
    """Yield the plan as words, depth first, with brackets around each operator that counts."""
    pending: list[PlanNode | None] = [root]
    while pending:
        node = pending.pop()
        if node is None:
            yield ")"
            continue
        if not _is_engine_choice(node):
            yield "("
            yield from _words(node)
            pending.append(None)
        pending.extend(reversed(node.children))


def _is_engine_choice(node: PlanNode) -> bool:
    if _LOCAL_SORT.search(node.text):
        return True
    return (
        _ENGINE.search(f"{node.name} {node.text}" if "Exchange" in node.name else node.name)
        is not None
    )


def _words(node: PlanNode) -> Iterator[str]:
    kind = kind_of(node.name)
    named = kind is OperatorKind.OTHER
    yield _without_photon(operator_name(node)) if named else kind.value
    text = _VOLATILE.sub(" ", _LOCATION.sub(" ", node.text))
    words = _WORD.findall(text)
    # The first word of the text is the operator's name again, with its strategy.
    yield from words[1:]


def _without_photon(name: str) -> str:
    return name.removeprefix(_PHOTON)


def _input(node: PlanNode) -> str:
    location = node.metadata.get("Location", "")
    if not location:
        found = _LOCATION.search(node.text)
        location = found.group() if found else _without_photon(node.name)
    return _DIGITS.sub("?", f"{node.metadata.get('Format', '').lower()} {location}")
