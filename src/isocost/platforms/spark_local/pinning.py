"""A worker's cores in; a Java home whose JVMs stay on just those cores of this machine out.

`local-cluster` gives a worker's executor as many slots as the worker has cores, but its compiler,
garbage collector and Python workers would use every core of the machine. A worker of one core
would then be a worker of one slot on two cores, and the second slot of a larger worker would add
nothing but contention: measured on two cores, a k-means fit took 27 s on "one" core and 29 s on
two; held to their cores, 32 s and 28 s. So an executor is started through a script that first
confines itself, by its executor's number, to cores that no other executor uses.

Where the system cannot confine a process (macOS), executors run unconfined.
"""

import os
import sys
from pathlib import Path
from typing import Final

CAN_PIN: Final = hasattr(os, "sched_setaffinity")

# Spark passes `--executor-id N` to each executor, counted from 0 as the workers register.
_SCRIPT: Final = """\
#!{python} -I
import os, sys
machine = sorted(os.sched_getaffinity(0))
number = int(sys.argv[sys.argv.index("--executor-id") + 1]) if "--executor-id" in sys.argv else 0
mine = [machine[(number * {cores} + n) % len(machine)] for n in range({cores})]
os.sched_setaffinity(0, mine)
os.execv({java!r}, [{java!r}, *sys.argv[1:]])
"""


def make_pinned_java_home(home: Path, java_home: Path, *, cores: int) -> None:
    """Make `home` a Java home, good for executors of `cores` cores only."""
    java = str(java_home / "bin" / "java")
    script = home / "bin" / "java"
    script.parent.mkdir(parents=True)
    script.write_text(
        _SCRIPT.format(python=sys.executable, cores=cores, java=java), encoding="utf-8"
    )
    script.chmod(0o755)
