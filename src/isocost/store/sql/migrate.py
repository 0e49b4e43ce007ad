"""A database in, the same database at the newest schema out."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from isocost.errors import InvalidInput
from isocost.store.sql.database import Database

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def is_at_head(connection: Connection, database: Database) -> bool:
    """Return whether the schema is the newest; only reads.

    Raises:
        InvalidInput: if the schema is of a version that this code does not know.
    """
    script = ScriptDirectory.from_config(_config())
    current = set(MigrationContext.configure(connection).get_current_heads())
    unknown = current - {revision.revision for revision in script.walk_revisions()}
    if unknown:
        raise InvalidInput(
            f"{database.name} was written by a newer version of Isocost: its schema "
            f"{', '.join(sorted(unknown))} is not known to this one. Upgrade Isocost, or "
            f"{database.elsewhere}."
        )
    return current == set(script.get_heads())


def migrate(connection: Connection, *, revision: str = "head") -> None:
    """Apply every migration up to `revision` that is lacking, in the caller's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def take_back(connection: Connection, *, revision: str) -> None:
    """Undo every migration after `revision`, in the caller's transaction; "base" undoes all."""
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
