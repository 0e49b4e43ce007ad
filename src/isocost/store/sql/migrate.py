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


def migrate(connection: Connection) -> None:
    """Apply every migration the database lacks, within the caller's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
