"""What Spark's own codec classes write, ended or cut, is read back byte for byte."""

import os
import subprocess
import sys

import pytest

from isocost.eventlog.codecs.detect import Codec, decompress, detect
from isocost.eventlog.parts import DamagedPart
from isocost.platforms.spark_local.software import java_home

pytestmark = pytest.mark.spark
LINE = b'{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task Info":{"Task ID":%d,"Host":"h%d"}}\n'
LOG = b"".join(LINE % (n // 50, n * n % 977, n % 7) for n in range(20_000))
CLASSES = {
    Codec.LZ4: "LZ4CompressionCodec",
    Codec.LZF: "LZFCompressionCodec",
    Codec.SNAPPY: "SnappyCompressionCodec",
    Codec.ZSTD: "ZStdCompressionCodec",
}
# Writes each file as Spark's EventLogFileWriter does: flushed now and then. The file `.cut` is
# left open when the JVM dies.
PROGRAM = """
import sys
from pathlib import Path
from pyspark.java_gateway import launch_gateway

folder = Path(sys.argv[1])
log = (folder / "plain").read_bytes()
gateway = launch_gateway()
spark = gateway.jvm.org.apache.spark
configuration = spark.SparkConf(False)
for name in sys.argv[2:]:
    codec = getattr(spark.io, name)(configuration)
    for suffix, is_ended in ((".ended", True), (".cut", False)):
        target = gateway.jvm.java.io.FileOutputStream(str(folder / (name + suffix)))
        stream = codec.compressedContinuousOutputStream(target)
        for at in range(0, len(log), 100_000):
            stream.write(log[at : at + 100_000])
            stream.flush()
        if is_ended:
            stream.close()
gateway.shutdown()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codecs")
    (folder / "plain").write_bytes(LOG)
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), *CLASSES.values()],
        env=os.environ | {"JAVA_HOME": str(java_home(os.environ))},
        check=True,
        timeout=120,
        capture_output=True,
    )
    return folder


@pytest.mark.parametrize("codec", CLASSES)
def test_stream_that_spark_ended_comes_back_whole(folder, codec):
    stored = (folder / f"{CLASSES[codec]}.ended").read_bytes()
    assert detect(stored[:8]) is codec
    assert b"".join(decompress([stored])) == LOG


@pytest.mark.parametrize("codec", CLASSES)
def test_stream_that_spark_left_open_is_read_to_its_last_flush(folder, codec):
    stored = (folder / f"{CLASSES[codec]}.cut").read_bytes()
    good = b""
    try:
        for chunk in decompress([stored]):
            good += chunk
    except DamagedPart:
        assert codec in {Codec.LZ4, Codec.ZSTD}
    assert LOG.startswith(good)
    assert len(good) > len(LOG) - 200_000
