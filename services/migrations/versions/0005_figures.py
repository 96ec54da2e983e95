"""A history of figures, and excursions found by time."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table('process_figure',
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('role', sa.String(length=32), nullable=False),
    sa.Column('holder', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('at', 'role', 'holder', 'name', name=op.f('pk_process_figure'))
    )
    op.create_index('ix_process_figure_name_at', 'process_figure', ['name', 'at'], unique=False)
    op.create_index('ix_excursion_ended_at', 'excursion', ['ended_at'], unique=False)
    op.create_index('ix_excursion_started_at', 'excursion', ['started_at'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index('ix_excursion_started_at', table_name='excursion')
    op.drop_index('ix_excursion_ended_at', table_name='excursion')
    op.drop_index('ix_process_figure_name_at', table_name='process_figure')
    op.drop_table('process_figure')
