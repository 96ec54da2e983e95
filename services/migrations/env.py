"""Alembic's entry: runs on the connection that `upgrade` hands over."""

from alembic import context

from services.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=False,
)
context.run_migrations()
