"""Pump stations, typed-in readings, what devices say of themselves, and their silences."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.create_table('device_silence',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('device', sa.String(length=130), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('excused', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_silence'))
    )
    op.create_index('ix_device_silence_device_started_at', 'device_silence', ['device', 'started_at'], unique=False)
    op.create_index('ix_device_silence_started_at', 'device_silence', ['started_at'], unique=False)
    op.create_table('pump_run',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('station', sa.String(length=64), nullable=False),
    sa.Column('equipment', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('start_pressure', sa.Float(), nullable=True),
    sa.Column('stop_pressure', sa.Float(), nullable=True),
    sa.Column('peak_pressure', sa.Float(), nullable=True),
    sa.Column('lowest_level', sa.Float(), nullable=True),
    sa.Column('peak_flow', sa.Float(), nullable=True),
    sa.Column('cause', sa.String(length=16), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pump_run'))
    )
    op.create_index('ix_pump_run_equipment_started_at', 'pump_run', ['site', 'equipment', 'started_at'], unique=False)
    op.create_index('ix_pump_run_station_started_at', 'pump_run', ['site', 'station', 'started_at'], unique=False)
    op.create_table('pump_test',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('station', sa.String(length=64), nullable=False),
    sa.Column('equipment', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('run_id', sa.String(length=26), nullable=True),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pump_test'))
    )
    op.create_index('ix_pump_test_equipment_at', 'pump_test', ['site', 'equipment', 'at'], unique=False)
    op.create_table('station_state',
    sa.Column('station', sa.String(length=130), nullable=False),
    sa.Column('state', sa.JSON(), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('station', name=op.f('pk_station_state'))
    )
    op.create_table('typed_delivery',
    sa.Column('client_id', sa.String(length=200), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('put_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_typed_delivery'))
    )
    op.create_index(op.f('ix_typed_delivery_at'), 'typed_delivery', ['at'], unique=False)
    op.create_table('typed_reading',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('point', sa.String(length=64), nullable=False),
    sa.Column('client_id', sa.String(length=200), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('instrument', sa.String(length=80), nullable=False),
    sa.Column('calibration', sa.String(length=16), nullable=False),
    sa.Column('circuit', sa.String(length=80), nullable=False),
    sa.Column('place', sa.String(length=200), nullable=False),
    sa.Column('condition', sa.String(length=8), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('photos', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_typed_reading')),
    sa.UniqueConstraint('client_id', name=op.f('uq_typed_reading_client_id'))
    )
    op.create_index('ix_typed_reading_at', 'typed_reading', ['at'], unique=False)
    op.create_index('ix_typed_reading_point_at', 'typed_reading', ['site', 'point', 'at'], unique=False)
    op.add_column('device_state', sa.Column('online_ms', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('device_state', sa.Column('battery', sa.Float(), nullable=True))
    op.add_column('device_state', sa.Column('rssi_dbm', sa.Float(), nullable=True))
    op.add_column('device_state', sa.Column('snr_db', sa.Float(), nullable=True))
    op.add_column('device_state', sa.Column('firmware', sa.String(length=64), nullable=True))
    op.add_column('device_state', sa.Column('offset_s', sa.Float(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column('device_state', 'offset_s')
    op.drop_column('device_state', 'firmware')
    op.drop_column('device_state', 'snr_db')
    op.drop_column('device_state', 'rssi_dbm')
    op.drop_column('device_state', 'battery')
    op.drop_column('device_state', 'online_ms')
    op.drop_index('ix_typed_reading_point_at', table_name='typed_reading')
    op.drop_index('ix_typed_reading_at', table_name='typed_reading')
    op.drop_table('typed_reading')
    op.drop_index(op.f('ix_typed_delivery_at'), table_name='typed_delivery')
    op.drop_table('typed_delivery')
    op.drop_table('station_state')
    op.drop_index('ix_pump_test_equipment_at', table_name='pump_test')
    op.drop_table('pump_test')
    op.drop_index('ix_pump_run_station_started_at', table_name='pump_run')
    op.drop_index('ix_pump_run_equipment_started_at', table_name='pump_run')
    op.drop_table('pump_run')
    op.drop_index('ix_device_silence_started_at', table_name='device_silence')
    op.drop_index('ix_device_silence_device_started_at', table_name='device_silence')
    op.drop_table('device_silence')
