"""What a request failed with in; what happened to it, in words for people, out."""

import socket
from collections.abc import Iterator
from typing import Final

import requests

# The SDK ends its messages with its own configuration.
_TAIL: Final = ". Config: "


def told(error: BaseException) -> str:
    """Return what happened to a request, without the names of the libraries that noticed."""
    found = tuple(_behind(error))
    if any(isinstance(each, requests.Timeout) for each in found):
        return "it gives no answer"
    if any(isinstance(each, requests.exceptions.SSLError) for each in found):
        return "its certificate is not accepted"
    if any(isinstance(each, requests.exceptions.ProxyError) for each in found):
        return "the proxy of the environment does not let it through"
    if any(isinstance(each, socket.gaierror) for each in found):
        return "nobody knows its name"
    reasons = (each.strerror for each in found if isinstance(each, OSError) and each.strerror)
    reason = next(reasons, "")
    if reason:
        return reason[0].lower() + reason[1:]
    if isinstance(error, requests.ConnectionError):
        return "the connection broke"
    return first_line(error)


def first_line(error: BaseException) -> str:
    """Return an error's first line, without full stop and without the SDK's configuration."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.split(_TAIL)[0].rstrip(".")


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came of, whichever way the libraries keep them."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        kept = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        waiting += [inner for inner in kept if isinstance(inner, BaseException)]
