"""Production parts: leases, the catalogue of the site files, marks on Grafana boards."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table('annotation',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('grafana_id', sa.BigInteger(), nullable=True),
    sa.Column('told', sa.String(length=64), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_annotation'))
    )
    op.create_index('ix_annotation_next_at', 'annotation', ['next_at'], unique=False)
    op.create_table('catalog_entry',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('name_en', sa.Text(), nullable=False),
    sa.Column('area', sa.String(length=64), nullable=False),
    sa.Column('area_path', sa.Text(), nullable=False),
    sa.Column('parent', sa.String(length=64), nullable=False),
    sa.Column('unit', sa.String(length=16), nullable=False),
    sa.Column('set_value', sa.Float(), nullable=True),
    sa.Column('low', sa.Float(), nullable=True),
    sa.Column('high', sa.Float(), nullable=True),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('gone_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('site', 'kind', 'id', name=op.f('pk_catalog_entry'))
    )
    op.create_table('lease',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('holder', sa.String(length=128), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('taken_at', UtcDateTime(), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_lease'))
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table('lease')
    op.drop_table('catalog_entry')
    op.drop_index('ix_annotation_next_at', table_name='annotation')
    op.drop_table('annotation')
