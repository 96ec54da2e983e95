"""Schema of the state database, as Alembic revisions; the programs bring it up to date themselves."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from services.kernel.db import Database
from services.kernel.errors import SchemaMismatch

_LOCK = 0x67656E67  # "geng": one migrator at a time on PostgreSQL


def upgrade(db: Database) -> None:
    """Bring the schema up to date; several processes may call this at once. Refuses a newer schema."""
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
        if current == script.get_current_head():
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
