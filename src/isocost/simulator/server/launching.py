"""What kind of workspace is wanted in; one served by a process of its own, out.

A workspace in its own process leaves this one's processor to the product, as a real one does.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from isocost.domain.workspace import Cloud
from isocost.errors import PlatformError
from isocost.simulator.server.serving import Address


@contextmanager
def launched(cloud: Cloud, *, seed: int) -> Iterator[Address]:
    """Serve a workspace for as long as the block lasts; it also ends when this process dies.

    Raises:
        PlatformError: it did not start; the message holds what it said.
    """
    command = [
        *(sys.executable, "-m", "isocost", "sim", "serve", "--json", "--exit-with-parent"),
        *("--cloud", cloud.value, "--seed", str(seed)),
    ]
    with subprocess.Popen(  # noqa: S603  our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.wait()


def _address(process: "subprocess.Popen[str]") -> Address:
    said = ""
    for line in process.stdout or ():
        said += line
        if line.startswith("}"):
            break
    try:
        found = json.loads(said)
    except ValueError as error:
        complaint = process.stderr.read() if process.stderr and not said else said
        raise PlatformError(
            f"The simulated workspace did not start; it said: {complaint.strip()[-500:]}"
        ) from error
    return Address(found["url"], found["token"], found["control_token"])
