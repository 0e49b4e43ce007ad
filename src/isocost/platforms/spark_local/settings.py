"""Spark's settings for one run: a cluster of node types in, `spark.*` names and values out."""

from pathlib import Path

from isocost.domain.cluster import NodeType
from isocost.platforms.spark_local.pinning import CAN_PIN
from isocost.units import MIB_PER_GIB

# What a Java process needs beside its heap, by the rule that Spark itself applies on YARN and
# Kubernetes (`spark.executor.memoryOverheadFactor`, and its minimum, both Spark 3.5 defaults).
# A worker of 1 GiB thus has a heap of 640 MiB; the rest is for the JVM itself, for network buffers
# and for the Python workers.
_OVERHEAD_FRACTION = 0.10
_OVERHEAD_MINIMUM_MIB = 384
# Spark refuses a heap below 1.5 × the 300 MiB it reserves for itself (UnifiedMemoryManager).
SMALLEST_HEAP_MIB = 450

DRIVER_HEAP_MIB = 1024
DRIVER_GIB = (DRIVER_HEAP_MIB + _OVERHEAD_MINIMUM_MIB) / MIB_PER_GIB

# Where, in a run's scratch directory, the Java home of its executors lies; see `pinning`.
EXECUTOR_JAVA_HOME = "executor-java"

# Spark tasks of a shuffle, a scan or an RDD, whatever the cluster: the same work on each. Spark's
# tuning guide asks for 2 to 3 spark tasks a core; 8 is 4 for each of two cores, so that one slow
# task does not decide over the gain of the second core. The default of 200 is for data a thousand
# times as large and would be mostly overhead here.
PARALLELISM = 8


def executor_heap_mib(memory_gib: float) -> int:
    """Return the heap of the one executor on a worker with `memory_gib`."""
    total_mib = int(memory_gib * MIB_PER_GIB)
    return total_mib - max(_OVERHEAD_MINIMUM_MIB, int(total_mib * _OVERHEAD_FRACTION))


def master(node_type: NodeType, worker_count: int) -> str:
    """Return the master address; the memory in it is what each worker offers, heap or not."""
    worker_mib = int(node_type.memory_gib * MIB_PER_GIB)
    return f"local-cluster[{worker_count},{node_type.cores},{worker_mib}]"


def spark_settings(node_type: NodeType, worker_count: int, directory: Path) -> dict[str, str]:
    """Return every setting of a run in `directory`; an executor takes a whole worker."""
    scratch = directory / "scratch"
    return {
        "spark.master": master(node_type, worker_count),
        "spark.executor.memory": f"{executor_heap_mib(node_type.memory_gib)}m",
        "spark.driver.memory": f"{DRIVER_HEAP_MIB}m",
        "spark.driver.extraJavaOptions": _java_options(scratch),
        # A worker of one core is a machine of one core: its JVM sizes its garbage collector and
        # its compiler threads for that, not for the machine that hosts all workers.
        "spark.executor.extraJavaOptions": (
            f"{_java_options(scratch)} -XX:ActiveProcessorCount={node_type.cores}"
        ),
        # Work starts when every worker is there, as on a cluster that has been started for a run.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.default.parallelism": str(PARALLELISM),
        "spark.sql.shuffle.partitions": str(PARALLELISM),
        **_event_log_settings(directory / "eventlog"),
        **_pinning_settings(scratch),
        **_isolation_settings(scratch),
    }


def _java_options(scratch: Path) -> str:
    # TieredStopAtLevel=1: runs of seconds live in the JVM's warm-up. With the optimizing compiler,
    # q3 took 9.7 to 11.6 s on one core and 13.5 to 14.0 s on two, where compiling twice in two
    # executors ate the second core; without it 7.4 s and 8.4 s. The price: hot loops run slower.
    # UsePerfData would leave a file in the system's temporary directory when a JVM is killed.
    return f"-Djava.io.tmpdir={scratch} -XX:-UsePerfData -XX:TieredStopAtLevel=1"


def _pinning_settings(scratch: Path) -> dict[str, str]:
    home = scratch / EXECUTOR_JAVA_HOME
    return {"spark.executorEnv.JAVA_HOME": str(home)} if CAN_PIN else {}


def _event_log_settings(directory: Path) -> dict[str, str]:
    # zstd: an eighth to a twentieth of the plain size, and a log cut short is readable up to the
    # last flush all the same.
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": directory.as_uri(),
        "spark.eventLog.compress": "true",
        "spark.eventLog.compression.codec": "zstd",
        # How large what an application caches is; no other event tells since Spark 2.3.
        "spark.eventLog.logBlockUpdates.enabled": "true",
    }


def _isolation_settings(scratch: Path) -> dict[str, str]:
    """Return what keeps a run within its directory and on this machine's loopback."""
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": (scratch / "warehouse").as_uri(),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
