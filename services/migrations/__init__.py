"""Schema of the state database, as Alembic revisions, and the views on it; the programs bring both up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from services.kernel.db import Database
from services.kernel.errors import SchemaMismatch
from services.migrations import views

_LOCK = 0x67656E67  # "geng": one migrator at a time on PostgreSQL


def upgrade(db: Database) -> None:
    """Bring schema and views up to date; several processes may call this at once. Refuses a newer schema."""
    if db.sqlite_path is not None:
        db.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    config = _config()
    with db.connection() as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(config)
        known = {revision.revision for revision in script.walk_revisions()}
        if current is not None and current not in known:
            raise SchemaMismatch(
                f"The state database has schema {current}, which this program does not know",
                hint="It was used by a newer Gengfu: run that one, or restore a backup",
            )
        if current != script.get_current_head():
            if not db.is_sqlite:
                views.drop(connection)  # a table cannot be altered under a view that reads it
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if not db.is_sqlite:
            views.install(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
