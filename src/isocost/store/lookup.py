"""What was asked for and what there is in, the error every store raises out."""

from collections.abc import Sequence
from difflib import get_close_matches

from isocost.errors import InvalidInput, NotFound

_SHOWN = 5  # as many names as a person takes in at a glance
_LISTED_BY = {
    "experiment": "isocost bank list",
    "project": "isocost project list",
    "workspace": "isocost workspace list",
}
# An execution is a run to people: `isocost run show` takes its id.
_SAID = {"execution": "run"}


def not_found(noun: str, key: str, known: Sequence[str]) -> NotFound:
    """Return the error for an unknown id, naming the closest or the newest known ones."""
    command, noun = _LISTED_BY.get(noun), _SAID.get(noun, noun)
    if not known:
        return NotFound(f"There is no {noun} {key!r}; none is stored yet.")
    near = get_close_matches(key, known, n=_SHOWN) or list(known)[-_SHOWN:]
    are_all = len(near) == len(known)
    stored = f"Stored {'is' if len(near) == 1 else 'are'} {', '.join(near)}"
    if command is None:
        return NotFound(f"There is no {noun} {key!r}. {stored}{'' if are_all else ' and others'}.")
    end = "." if are_all else f" and others: `{command}` shows all."
    return NotFound(f"There is no {noun} {key!r}. {stored}{end}")


def still_has_projects(workspace: str) -> InvalidInput:
    """Return the error for removing a workspace that projects came from."""
    return InvalidInput(
        f"Workspace {workspace!r} still has projects. Delete them first, which restores their "
        "definitions: isocost project list, isocost project delete."
    )


def belongs_to_experiment(project_id: str) -> InvalidInput:
    """Return the error for removing a project that an experiment is made of."""
    return InvalidInput(
        f"Project {project_id!r} belongs to an experiment and stays as long as that does."
    )
