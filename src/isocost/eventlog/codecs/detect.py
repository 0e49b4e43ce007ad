"""Stored chunks of any codec in, plain chunks out; the codec is told by the first bytes."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Final

from isocost.eventlog.codecs import framed, gzipped, lzf, zstd
from isocost.eventlog.codecs.feed import Feed
from isocost.eventlog.parts import DamagedPart

# A log compressed by Spark and once more by whoever archived it; nobody does it a third time, and
# a bound ends what compresses itself.
MAX_LAYERS: Final = 2
_HEAD_BYTES: Final = 8  # the longest magic


class Codec(Enum):
    """How bytes are compressed."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZSTD = "zstd"
    LZ4 = "lz4"
    SNAPPY = "snappy"
    LZF = "lzf"


_MAGICS: Final[dict[bytes, Codec]] = {
    gzipped.MAGIC: Codec.GZIP,
    zstd.MAGIC: Codec.ZSTD,
    framed.LZ4_MAGIC: Codec.LZ4,
    framed.SNAPPY_MAGIC: Codec.SNAPPY,
    lzf.MAGIC: Codec.LZF,
}
_DECODERS: Final[dict[Codec, Callable[[Feed], Iterator[bytes]]]] = {
    Codec.GZIP: gzipped.decode,
    Codec.ZSTD: zstd.decode,
    Codec.LZ4: framed.decode_lz4,
    Codec.SNAPPY: framed.decode_snappy,
    Codec.LZF: lzf.decode,
}


def detect(head: bytes) -> Codec:
    """Return the codec of a stream that starts with `head`, eight bytes or all there are.

    Raises:
        DamagedPart: if there are fewer bytes than a codec's magic needs, and they are its start.
    """
    if zstd.is_skippable(head[:4]):
        return Codec.ZSTD
    for magic, codec in _MAGICS.items():
        if head.startswith(magic):
            return codec
        if head and magic.startswith(head):
            raise DamagedPart(f"the {codec.value} stream ends inside its header", offset_bytes=0)
    return Codec.PLAIN


def decompress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the plain bytes of a stream of any codec, up to two layers of them.

    Memory is bounded by the codec's largest block, whatever the stream claims.

    Raises:
        DamagedPart: after the last good chunk, if the stream ends early or is inconsistent; its
            offset counts bytes of the outermost damaged layer's input.
    """
    plain: Iterable[bytes] = chunks
    for _ in range(MAX_LAYERS):
        feed = Feed(plain)
        codec = detect(feed.peek(_HEAD_BYTES))
        plain = feed.rest()
        if codec is Codec.PLAIN:
            break
        plain = _DECODERS[codec](feed)
    yield from plain
