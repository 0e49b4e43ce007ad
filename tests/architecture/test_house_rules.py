"""What the repository must not hold: machine paths, registry hosts, vendored or loose ends."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Put together here, so that this file does not hold what it looks for.
HOSTS = ("py" + "pi.org", "files.python" + "hosted", "registry.np" + "mjs", "deb.deb" + "ian")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|NotImplemented" + r"Error|XX" + r"X)\b")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    found = tracked_files()
    assert len(found) > 50
    return found


def test_no_file_names_a_package_registry(files):
    assert [f for f in files if any(host in text_of(f) for host in HOSTS)] == []


def test_no_source_is_unfinished(files):
    sources = [f for f in files if f.is_relative_to(ROOT / "src")]
    assert [f for f in sources if UNFINISHED.search(text_of(f))] == []


def test_nothing_third_party_is_vendored(files):
    assert [f for f in files if f.name.endswith((".min.js", ".min.css"))] == []


def test_every_pin_has_a_hash():
    pins = re.findall(r"^[a-z][^\n]*==[^\n]*\n(.*)", text_of(ROOT / "requirements.lock"), re.M)
    assert len(pins) > 20
    assert all(line.strip().startswith("--hash=sha256:") for line in pins)
