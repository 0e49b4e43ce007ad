"""Every codec gives back what was put in, in bounded steps, and names what damaged it."""

import struct
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.eventlog.codecs.detect import Codec, decompress, detect
from isocost.eventlog.codecs.feed import CHUNK_BYTES, MAX_BLOCK_BYTES
from isocost.eventlog.parts import DamagedPart
from isocost.testing.framings import ENCODERS

LINE = b'{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task Info":{"Host":"10.0.0.%d"}}\n'
LOG = b"".join(LINE % (n // 7, n * n % 11) for n in range(1_000))
STORED = {codec: encode(LOG) for codec, encode in ENCODERS.items()}
codecs = pytest.mark.parametrize("codec", ENCODERS)
plains = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([LINE % (3, 1), b"ab" * 300, b"\x00" * 70_000, LOG[:40_000]]),
    ),
    max_size=8,
).map(b"".join)


def decoded(stored, piece_bytes=1 << 16):
    """What could be decoded, and the damage that ended it."""
    pieces = (stored[at : at + piece_bytes] for at in range(0, len(stored), piece_bytes))
    good = []
    try:
        good.extend(decompress(pieces))
    except DamagedPart as damage:
        return b"".join(good), damage
    return b"".join(good), None


@codecs
def test_log_comes_back_whole(codec):
    assert decoded(STORED[codec]) == (LOG, None)


@codecs
def test_codec_is_told_by_content(codec):
    assert detect(STORED[codec][:8]) is Codec(codec)


@codecs
def test_streams_in_a_row_are_one(codec):
    stored = STORED[codec] + ENCODERS[codec](LOG[:500])
    assert decoded(stored) == (LOG + LOG[:500], None)


@codecs
@settings(max_examples=30)
@given(plain=plains, piece_bytes=st.integers(1, 5_000))
def test_any_bytes_in_any_pieces_come_back(codec, plain, piece_bytes):
    stored = ENCODERS[codec](LINE + plain)
    assert decoded(stored, piece_bytes) == (LINE + plain, None)


@codecs
@settings(max_examples=80)
@given(data=st.data())
def test_cut_stream_gives_a_prefix_and_at_most_a_damage(codec, data):
    stored = STORED[codec]
    end = data.draw(st.integers(0, len(stored) - 1))
    good, _ = decoded(stored[:end])
    assert LOG.startswith(good)


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
@settings(max_examples=80)
@given(data=st.data())
def test_cut_is_noticed_where_the_codec_has_an_end_mark(codec, data):
    stored = STORED[codec]
    end = data.draw(st.integers(1, len(stored) - 1))
    _, damage = decoded(stored[:end])
    assert damage
    assert damage.offset_bytes <= end


@codecs
@settings(max_examples=80)
@given(data=st.data())
def test_flipped_bytes_never_raise_anything_but_a_damage(codec, data):
    stored = bytearray(STORED[codec])
    for at in data.draw(st.lists(st.integers(0, len(stored) - 1), min_size=1, max_size=3)):
        stored[at] ^= data.draw(st.integers(1, 255))
    decoded(bytes(stored))


@codecs
def test_second_half_lost_keeps_what_came_before(codec):
    stored = ENCODERS[codec](LOG * 20)
    good, _ = decoded(stored[: len(stored) // 2])
    assert len(good) > len(LOG) // 2


@codecs
def test_chunks_are_bounded(codec):
    stored = ENCODERS[codec](b"\n" * 9_000_000)
    assert max(len(chunk) for chunk in decompress([stored])) <= CHUNK_BYTES + 0xFFFF


@settings(max_examples=200)
@given(st.sampled_from(list(ENCODERS)), st.binary(max_size=80))
def test_any_bytes_after_a_magic_are_a_damage_or_data(codec, tail):
    magic = STORED[codec][:8]
    decoded(magic + tail)


def test_plain_bytes_pass_unchanged():
    assert decoded(LOG) == (LOG, None)


def test_log_compressed_twice_is_unpacked_twice():
    assert decoded(ENCODERS["gzip"](STORED["zstd"])) == (LOG, None)


def test_empty_stream_is_empty():
    assert list(decompress([])) == []


def test_zstd_frame_with_checksum_and_size_comes_back():
    stored = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(LOG)
    assert decoded(stored, 7) == (LOG, None)


def test_zstd_skippable_frames_are_passed_over():
    skippable = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 5) + b"12345"
    assert decoded(skippable + STORED["zstd"] + skippable) == (LOG, None)


def test_zstd_window_of_a_gigabyte_is_refused():
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes((20 << 3,)) + b"\x01\x00\x00"
    assert "zstd says" in decoded(frame)[1].reason


def test_gzip_padded_with_zeros_is_whole():
    assert decoded(STORED["gzip"] + b"\x00" * 600) == (LOG, None)


def test_gzip_with_text_after_it_is_damaged():
    good, damage = decoded(STORED["gzip"] + b"appended")
    assert good == LOG
    assert damage.reason == "something that is no gzip follows"


def test_gzip_with_wrong_checksum_is_damaged():
    stored = bytearray(STORED["gzip"])
    stored[-5] ^= 1
    assert "gzip says" in decoded(bytes(stored))[1].reason


def test_lz4_without_end_mark_is_damaged():
    good, damage = decoded(STORED["lz4"][:-21])
    assert good == LOG
    assert damage.reason == "the lz4 stream ends without its end mark"


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<8sBIII", b"LZ4Block", 0x25, 100, 1 << 31, 0),
        struct.pack("<8sBIII", b"LZ4Block", 0x15, 1 << 31, 1 << 31, 0),
        b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, 0x7FFFFFFF),
        b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, 5) + b"\xff\xff\xff\xff\x0f",
    ],
)
def test_impossible_length_is_refused_before_memory_is_taken(header):
    assert "impossible length" in decoded(header + b"x" * 200)[1].reason


def test_lz4_block_shorter_than_it_claims_is_damaged():
    stored = bytearray(ENCODERS["lz4"](LINE * 9))
    stored[13:17] = struct.pack("<I", len(LINE) * 9 + 1)
    assert decoded(bytes(stored))[1].reason == "an lz4 block is shorter than it claims"


def test_snappy_header_may_reappear():
    stored = STORED["snappy"]
    assert decoded(stored + stored[:16] + stored[16:]) == (LOG + LOG, None)


@pytest.mark.parametrize("packed", [b"\x20\x00", b"\x00a\x20\x05", b"\xe0\xff\x00", b"\x05ab"])
def test_lzf_reference_before_the_start_is_damaged(packed):
    block = b"ZV\x01" + struct.pack(">HH", len(packed), 3) + packed
    assert decoded(block)[1].reason == "an lzf block cannot be decoded"


def test_lzf_reference_may_overlap_itself():
    packed = b"\x01ab" + b"\xe0\x00\x01"
    block = b"ZV\x01" + struct.pack(">HH", len(packed), 11) + packed
    assert decoded(block) == (b"ab" * 5 + b"a", None)


def test_damage_says_where_the_good_bytes_end():
    stored = STORED["lz4"]
    _, damage = decoded(stored[:-30])
    assert 0 < damage.offset_bytes <= len(stored) - 30


def test_bomb_of_zeros_comes_in_bounded_chunks():
    packer = zlib.compressobj(9, wbits=31)
    stored = b"".join(packer.compress(bytes(MAX_BLOCK_BYTES)) for _ in range(4)) + packer.flush()
    assert max(map(len, decompress([stored]))) <= CHUNK_BYTES
