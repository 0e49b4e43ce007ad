"""The port to copies of other people's definitions, which run only when they are asked to."""

from typing import Final, Protocol

from isocost.platforms.host import Settings

# What the name of every copy begins with; nobody's own definition is called so.
COPY_PREFIX: Final = "isocost-bank "


class Copies(Protocol):
    """Makes, starts and removes copies of definitions in one workspace. Thread-safe.

    Every call raises:
        PlatformError: the workspace refuses or cannot be reached.
        InvalidInput: the workspace finds the settings wrong.
    """

    def find(self, name: str) -> str | None:
        """Return the id of the copy of this name; None if there is none."""
        ...

    def make(self, settings: Settings, name: str) -> str:
        """Return the id of the copy of this name, made from `settings` if there is none.

        Nothing starts it but `start`, nobody is notified of its runs, and one runs at a time.
        """
        ...

    def start(self, definition_id: str, token: str) -> str:
        """Trigger a run and return its id; the same token never triggers a second one."""
        ...

    def remove(self, definition_id: str) -> None:
        """Cancel a copy's runs and delete it; one that is gone is fine."""
        ...
