"""Lines come out the same however the bytes were cut into chunks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from isocost.eventlog.lines import LineBuffer


def lines_of(chunks, max_line_bytes=1000):
    lines = LineBuffer(max_line_bytes)
    stretches = [s for chunk in chunks for s in lines.feed(chunk)] + [lines.finish()]
    text = [buffer[start:stop] for buffer, start, stop in stretches]
    return [line for part in text for line in part.split(b"\n") if line], lines


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_chunking_gives_the_same_lines(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    assert lines_of(chunks)[0] == [line for line in data.split(b"\n") if line]


def test_line_beyond_the_limit_is_dropped_and_counted():
    found, lines = lines_of([b"a" * 8, b"a" * 8 + b"\nshort\n"], max_line_bytes=10)
    assert found == [b"short"]
    assert lines.oversized_line_count == 1


def test_last_line_without_its_break_comes_out():
    assert lines_of([b"one\ntw", b"o"])[0] == [b"one", b"two"]
