"""What parent and child of a run tell each other: one JSON file each way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DriverRequest:
    """What the child is to run.

    Attributes:
        settings: Spark's, by their full names.
        data: directory of the data set that it reads.
    """

    workload: str
    settings: Mapping[str, str]
    data: Path

    def write(self, path: Path) -> None:
        """Write the request for the child."""
        content = {"workload": self.workload, "settings": self.settings, "data": str(self.data)}
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "DriverRequest":
        """Read what `write` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(content["workload"], content["settings"], Path(content["data"]))


def write_outcome(path: Path, failure: str | None) -> None:
    """Write how the application ended; the file appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"failure": failure}), encoding="utf-8")
    unfinished.replace(path)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the application ended; `failure` is None for a success."""

    failure: str | None


def read_outcome(path: Path) -> Outcome | None:
    """Return what the child wrote, None if it ended before it could."""
    try:
        return Outcome(json.loads(path.read_text(encoding="utf-8"))["failure"])
    except FileNotFoundError:
        return None
