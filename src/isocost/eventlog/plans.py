"""A SQL plan as Spark logs it in; its operators, inputs and a fingerprint of the code out.

The fingerprint answers "is this the same query as last week?". So everything is left out that
changes without the code: expression and plan IDs, numbers and dates (a daily run filters by its
day), locations, and every choice that Spark makes from data sizes (join strategy and build side,
exchanges, local sorts, code generation, what adaptive execution rewrote, Photon or not). The price
is that a change of nothing but a literal is taken for a change of data.
"""

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from isocost.domain.profile import OperatorKind

HASH_LENGTH: Final = 16  # 64 bits: less than one false match in 10^9 among 10^5 plans


class PlanMetric(msgspec.Struct, gc=False, rename={"accumulator_id": "accumulatorId"}):
    """`SQLMetricInfo`."""

    name: str
    accumulator_id: int


class ScanMetadata(msgspec.Struct, gc=False, rename={"location": "Location", "format": "Format"}):
    """What a scan says of the files it reads; filters and schema stand in its text as well."""

    location: str = ""
    format: str = ""


class PlanNode(msgspec.Struct, rename={"name": "nodeName", "text": "simpleString"}):
    """`SparkPlanInfo`: one operator and those it reads from."""

    name: str
    text: str = ""
    children: list["PlanNode"] = []
    metrics: list[PlanMetric] = []
    metadata: ScanMetadata | None = None


_NO_METADATA: Final = ScanMetadata()

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
    "RowToColumnar|ShuffleMapStage|ResultStage|WriteFiles"
)
_LOCAL_SORT: Final = re.compile(r"\w*Sort .*, false, \d+$", re.DOTALL)
# Tried only where a word begins: from within it the same would be tried again for each letter.
_LOCATION: Final = re.compile(
    r"(?<!\w)(?:\w+FileIndex\s?(?:\(\d+ paths\))?\[[^\]]*\]?|\w+:/+[^\s,\])]+)"
)
_WORD: Final = re.compile(r"(?<![\w#])[A-Za-z_][\w.]*")
_DIGITS: Final = re.compile(r"\d+")
_LONG_NUMBER: Final = re.compile(r"\d{4,}")
_VOLATILE: Final = frozenset(
    "BuildLeft BuildRight true false skew isSkewJoin plan_id id TMP tmp paths".split()
)


def walk(root: PlanNode) -> list[PlanNode]:
    """Return every operator, depth first; plans may be deeper than Python's stack."""
    found, pending = [], [root]
    while pending:
        node = pending.pop()
        found.append(node)
        pending += node.children[::-1]
    return found


@lru_cache(maxsize=4096)
def operator_name(name: str) -> str:
    """Return an operator's name without its code generation ID and without a table's name."""
    return _SCANNED_TABLE.sub(r"\1", _CODEGEN_ID.sub("", name)).strip()


def is_photon(name: str) -> bool:
    """Say whether an operator runs in Photon."""
    return name.startswith(_PHOTON)


@lru_cache(maxsize=4096)
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
    text = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.sha256(text).hexdigest()[:HASH_LENGTH]


def _signature(root: PlanNode) -> list[str]:
    """Return the plan as words, depth first, with brackets around each operator that counts."""
    words: list[str] = []
    pending: list[PlanNode | None] = [root]
    while pending:
        node = pending.pop()
        if node is None:
            words.append(")")
            continue
        if not _is_engine_choice(node):
            words.append("(")
            words += _words(node)
            pending.append(None)
        pending += node.children[::-1]
    return words


def _is_engine_choice(node: PlanNode) -> bool:
    if "Exchange" in node.name:
        # A repartitioning that the code asks for says so; all others are Spark's.
        return "REPARTITION" not in node.text
    return _is_engine_name(node.name) or _LOCAL_SORT.match(node.text) is not None


@lru_cache(maxsize=4096)
def _is_engine_name(name: str) -> bool:
    return _ENGINE.search(name) is not None


def _words(node: PlanNode) -> list[str]:
    kind = kind_of(node.name)
    is_named = kind is OperatorKind.OTHER
    name = operator_name(node.name).removeprefix(_PHOTON) if is_named else kind.value
    text = _LOCATION.sub(" ", node.text) if ":/" in node.text else node.text
    if _LONG_NUMBER.search(text):
        text = _LONG_NUMBER.sub("", text)
    # The first word of the text is the operator's name again, with its strategy.
    return [name, *[word for word in _WORD.findall(text)[1:] if word not in _VOLATILE]]


def _input(node: PlanNode) -> str:
    metadata = node.metadata or _NO_METADATA
    location = metadata.location
    if not location:
        found = _LOCATION.search(node.text)
        location = found.group() if found else node.name.removeprefix(_PHOTON)
    return _without_digits(f"{metadata.format.lower()} {location}")


@lru_cache(maxsize=256)
def _without_digits(text: str) -> str:
    """Return the text without numbers; a table's location stands in each plan that reads it."""
    return _DIGITS.sub("?", text)
