"""Cutting out of a line what nobody needs changes nothing of what is read from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.eventlog.events import UNDECODABLE
from isocost.eventlog.task_events import TaskEnd, decode_task_end, decode_task_ends
from isocost.testing import event_logs as log

PLAIN = [{"ID": n, "Name": "internal.metrics.x", "Update": n, "Value": n} for n in range(20)]
LISTS = [{"ID": 1, "Value": [{"Block ID": "rdd_1_2"}, [3]]}, *PLAIN]
DECEIVING = [{"ID": 1, "Name": 'a ]},"Task Metrics":{} [ "Accumulables":[', "Value": "]"}]
LONG = PLAIN * 20
NOTHING = {"Bytes Read": 0, "Records Read": 0}
NOTHING_WRITTEN = {"Bytes Written": 0, "Records Written": 0}
FAILURE = {"Reason": "ExceptionFailure", "Class Name": "x.Y", "Stack Trace": [{"Line Number": 1}]}


def an_end(task_id, accumulables, heap_bytes, *, is_idle=False, reason=None, is_first=False):
    end = json.loads(log.task_end(task_id, reason=reason))
    if accumulables is not None:
        info = end["Task Info"]
        listed = {"Accumulables": accumulables}
        end["Task Info"] = {**listed, **info} if is_first else {**info, **listed}
    metrics = end.pop("Task Metrics")
    if heap_bytes is not None:
        end["Task Executor Metrics"] = {"JVMHeapMemory": heap_bytes, "JVMOffHeapMemory": 5}
    if is_idle:
        metrics |= {"Input Metrics": NOTHING, "Output Metrics": NOTHING_WRITTEN}
    end["Task Metrics"] = {**metrics, "Updated Blocks": []}
    return json.dumps(end, separators=(",", ":")).encode()


ENDS = st.builds(
    an_end,
    st.integers(0, 10**9),
    st.sampled_from([None, [], PLAIN, LISTS, DECEIVING, LONG]),
    st.sampled_from([None, 0, 7]),
    is_idle=st.booleans(),
    reason=st.sampled_from([None, FAILURE]),
    is_first=st.booleans(),
)


def spans_of(lines):
    spans, start = [], 0
    for line in lines:
        spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def meaning(end: TaskEnd):
    """Return an event without what tells nothing: zeros of what was not measured."""
    is_polled = end.executor_metrics is not None and end.executor_metrics.heap_bytes > 0
    tables = (
        [t for t in (end.metrics.input, end.metrics.output) if t.record_count]
        if (end.metrics.input and end.metrics.output)
        else []
    )
    rest = (end.metrics.run_ms, end.metrics.cpu_ns, end.metrics.shuffle_read.remote_bytes)
    executor = end.executor_metrics if is_polled else None
    return (end.stage_id, end.info, end.reason, executor, tables, rest)


@given(st.lists(ENDS, min_size=1, max_size=8))
def test_lines_decoded_together_mean_what_each_means_alone(lines):
    together = decode_task_ends(log.joined(lines), spans_of(lines))
    alone = [decode_task_end(line) for line in lines]
    assert sorted(map(repr, map(meaning, together))) == sorted(map(repr, map(meaning, alone)))


@pytest.mark.parametrize("cut", [40, 300, 450, 900, -3])
def test_cut_line_among_whole_ones_is_undecodable(cut):
    whole = an_end(1, PLAIN, 0)
    lines = [whole, whole[:cut], whole]
    with pytest.raises(UNDECODABLE):
        decode_task_ends(log.joined(lines), spans_of(lines))


def test_two_events_in_one_line_are_undecodable():
    lines = [an_end(1, PLAIN, 0) + an_end(2, PLAIN, 0)]
    with pytest.raises(UNDECODABLE):
        decode_task_ends(log.joined(lines), spans_of(lines))
