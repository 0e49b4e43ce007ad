"""Spark's sentences about what went wrong in, causes and short reasons without values out."""

import re
from typing import Final

from isocost.domain.profile import RemovalCause

# The first that matches wins. Sentences from Spark's CoarseGrainedSchedulerBackend,
# HeartbeatReceiver, YarnAllocator, ExecutorPodsLifecycleManager and StandaloneSchedulerBackend;
# 52 is Spark's own exit code for OutOfMemoryError, 137 is SIGKILL, which the kernel's and the
# container's memory limits send.
_CAUSES: Final = (
    (RemovalCause.SPOT_LOSS, "spot|preempt|reclaim|interruption"),
    (
        RemovalCause.OUT_OF_MEMORY,
        r"OOM|OutOfMemory|out of memory|memory limits|exit(?:ed)?(?: with)?(?: code| status)?:? "
        r"(?:52|137)\b|code (?:52|137)\b",
    ),
    (RemovalCause.LOST_HEARTBEAT, "heartbeat"),
    (RemovalCause.DECOMMISSIONED, "decommission"),
    (RemovalCause.IDLE, r"\bidle|scal(?:ed?|ing) ?(?:down|in)\b|autoscal"),
    (RemovalCause.NODE_LOST, "(?:worker|node|host|slave) (?:was )?lost|lost node|unhealthy node"),
    (
        RemovalCause.STOPPED_BY_DRIVER,
        "killed by driver|termination request|deleted by a user|command shutdown|released",
    ),
    (
        RemovalCause.PROCESS_LOST,
        "process lost|disassociated|exited with|exit status|exit code|terminated|failed",
    ),
)
_CAUSE_PATTERNS: Final = tuple(
    (cause, re.compile(pattern, re.IGNORECASE)) for cause, pattern in _CAUSES
)
_EXCEPTION: Final = re.compile(r"\b(?:[a-z]\w*\.)*[A-Z]\w*(?:Exception|Error|Failure)\b")
MAX_REASON_LENGTH: Final = 120
# A stack trace names its cause early; what follows are frames, by the hundred kilobytes.
MAX_SEARCHED: Final = 4_000


def removal_cause(reason: str, *, is_dynamic: bool) -> RemovalCause:
    """Return why an executor left.

    With dynamic allocation the driver stops executors that had nothing to do, and says no more
    than that it stopped them.
    """
    for cause, pattern in _CAUSE_PATTERNS:
        if pattern.search(reason):
            is_idle = cause is RemovalCause.STOPPED_BY_DRIVER and is_dynamic
            return RemovalCause.IDLE if is_idle else cause
    return RemovalCause.UNKNOWN


def short_reason(text: str) -> str:
    """Return a failure's kind: the exceptions it names, or else how its first line begins.

    The rest is left out: messages quote paths and data.
    """
    found = _EXCEPTION.findall(text[:MAX_SEARCHED])
    names = dict.fromkeys(name.rpartition(".")[2] for name in found)
    if names:
        return ", ".join(list(names)[:3])[:MAX_REASON_LENGTH]
    first_line = text.strip().partition("\n")[0]
    return first_line.partition(":")[0][:MAX_REASON_LENGTH]
