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
import shlex
import sys
from pathlib import Path
from typing import Final

CAN_PIN: Final = hasattr(os, "sched_setaffinity")

# A shell script: the path of an interpreter may be too long for a first line, or hold blanks.
_JAVA: Final = '#!/bin/sh\nexec {python} -I -S {script} {java} {cores} "$@"\n'

# Spark passes `--executor-id N` to each executor, counted from 0 as the workers register. One that
# replaces a lost executor gets the next number, and may share cores for the rest of the run.
_SCRIPT: Final = """\
import os, sys
java, cores, arguments = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
machine = sorted(os.sched_getaffinity(0))
number = int(arguments[arguments.index("--executor-id") + 1])
first = number * cores
os.sched_setaffinity(0, {machine[n % len(machine)] for n in range(first, first + cores)})
os.execv(java, [java, *arguments])
"""


def make_pinned_java_home(home: Path, java_home: Path, *, cores: int) -> None:
    """Make `home` a Java home, good for executors of `cores` cores and for nothing else."""
    (home / "bin").mkdir(parents=True)
    script = home / "pin.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    words = (sys.executable, script, java_home / "bin" / "java")
    python, pin, java = (shlex.quote(str(word)) for word in words)
    text = _JAVA.format(python=python, script=pin, java=java, cores=cores)
    (home / "bin" / "java").write_text(text, encoding="utf-8")
    (home / "bin" / "java").chmod(0o755)
