"""STYLE limits that no linter has: lengths of files and functions, captions, forbidden names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "isocost").rglob("*.py"))
PYTHON = (
    SOURCES + sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "benchmarks").rglob("*.py"))
)

MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 60
VAGUE = {"utils", "common", "helpers", "misc", "manager"}


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", PYTHON, ids=ids)
def test_file_is_not_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", PYTHON, ids=ids)
def test_no_function_is_too_long(path):
    too_long = {
        f.name: f.end_lineno - f.lineno + 1
        for f in functions(ast.parse(path.read_text(encoding="utf-8")))
        if f.end_lineno - f.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert too_long == {}


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_module_opens_with_a_caption(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    first_line = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert first_line.endswith((".", "?")), f"caption: {first_line!r}"


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_name_says_what_is_inside(path):
    assert not VAGUE & set(re.split(r"[/._]", str(path.relative_to(ROOT))))


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_job_and_task_never_stand_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    names |= {a.arg for f in functions(tree) for a in f.args.args + f.args.kwonlyargs}
    assert not names & {"job", "task", "jobs", "tasks"}


def test_the_median_file_is_short():
    lengths = sorted(len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES)
    assert lengths[len(lengths) // 2] <= 200
