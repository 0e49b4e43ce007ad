"""Readable reasons for failed runs: exceptions and Spark's own log in, a few lines out."""

import re
import traceback
from collections.abc import Iterable
from pathlib import Path

# Enough for the error and what led to it, and still one screen together with the reason.
_LOG_LINES = 12
_REASON_LINES = 6
_LINE_LENGTH = 300
# Enough of a long log to hold the last lines between stack traces.
_TAIL_BYTES = 256 * 1024
_STACK_FRAME = re.compile(r"\s*(at |\.\.\. \d+ more|File \")|Driver stacktrace:|Traceback ")


def reason(error: BaseException) -> str:
    """Return the exception's class and message without stack traces, at most 6 lines."""
    text = "".join(traceback.format_exception_only(error))
    causes = [line for line in text.splitlines() if line.startswith("Caused by: ")]
    head = _telling_lines(text.splitlines())
    lines = head[:_REASON_LINES]
    if causes and causes[-1][:_LINE_LENGTH] not in lines:
        lines = [*lines[: _REASON_LINES - 1], causes[-1][:_LINE_LENGTH]]
    return "\n".join(lines)


def last_lines(log: Path) -> str:
    """Return the last telling lines of a log, stack frames left out; empty without a log."""
    try:
        data = log.read_bytes()[-_TAIL_BYTES:]
    except OSError:
        return ""
    return "\n".join(_telling_lines(data.decode(errors="replace").splitlines())[-_LOG_LINES:])


def _telling_lines(lines: Iterable[str]) -> list[str]:
    kept = (line.rstrip()[:_LINE_LENGTH] for line in lines)
    return [line for line in kept if line and not _STACK_FRAME.match(line)]


def with_log(why: str, log: Path, *, whose: str = "Spark") -> str:
    """Return the reason followed by the log's last lines and where the whole log lies."""
    last = last_lines(log)
    if not last:
        return f"{why}\n{whose} wrote nothing to {log}."
    indented = "\n".join(f"  {line}" for line in last.splitlines())
    return f"{why}\n{whose}'s last lines ({log}):\n{indented}"
