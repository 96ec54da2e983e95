"""Patrol"""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime


revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    """Apply."""
    op.create_table('duty_time',
    sa.Column('id', sa.String(length=96), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('shift', sa.String(length=80), nullable=False),
    sa.Column('on_at', UtcDateTime(), nullable=False),
    sa.Column('off_at', UtcDateTime(), nullable=True),
    sa.Column('duress', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_time'))
    )
    with op.batch_alter_table('duty_time', schema=None) as batch_op:
        batch_op.create_index('uq_duty_time_open', ['site', 'username'], unique=True, sqlite_where=sa.text('off_at IS NULL'), postgresql_where=sa.text('off_at IS NULL'))

    op.create_table('patrol_anomaly',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('ref', sa.String(length=200), nullable=False),
    sa.Column('round_id', sa.String(length=160), nullable=True),
    sa.Column('checkpoint', sa.String(length=64), nullable=True),
    sa.Column('guard', sa.String(length=80), nullable=False),
    sa.Column('shift', sa.String(length=80), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('found_at', UtcDateTime(), nullable=False),
    sa.Column('withdrawn_at', UtcDateTime(), nullable=True),
    sa.Column('closed_at', UtcDateTime(), nullable=True),
    sa.Column('closed_by', sa.String(length=64), nullable=False),
    sa.Column('comment', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_anomaly'))
    )
    with op.batch_alter_table('patrol_anomaly', schema=None) as batch_op:
        batch_op.create_index('ix_patrol_anomaly_open', ['site', 'at'], unique=False, sqlite_where=sa.text('closed_at IS NULL AND withdrawn_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL AND withdrawn_at IS NULL'))
        batch_op.create_index('ix_patrol_anomaly_site_at', ['site', 'at'], unique=False)
        batch_op.create_index('uq_patrol_anomaly_ref', ['site', 'kind', 'ref'], unique=True)

    op.create_table('patrol_handover',
    sa.Column('id', sa.String(length=160), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('shift', sa.String(length=80), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('given_by', sa.String(length=64), nullable=False),
    sa.Column('taken_by', sa.String(length=64), nullable=False),
    sa.Column('open_alerts', sa.JSON(), nullable=False),
    sa.Column('hazards', sa.Text(), nullable=False),
    sa.Column('keys', sa.Text(), nullable=False),
    sa.Column('kit', sa.JSON(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_handover'))
    )
    op.create_table('patrol_incident',
    sa.Column('id', sa.String(length=96), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('checkpoint', sa.String(length=64), nullable=True),
    sa.Column('category', sa.String(length=32), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('photos', sa.JSON(), nullable=False),
    sa.Column('alert_id', sa.String(length=26), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_incident'))
    )
    with op.batch_alter_table('patrol_incident', schema=None) as batch_op:
        batch_op.create_index('ix_patrol_incident_site_at', ['site', 'at'], unique=False)

    op.create_table('patrol_leg',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('leg_start', sa.String(length=64), nullable=False),
    sa.Column('leg_end', sa.String(length=64), nullable=False),
    sa.Column('samples', sa.JSON(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('site', 'leg_start', 'leg_end', name=op.f('pk_patrol_leg'))
    )
    op.create_table('patrol_phone',
    sa.Column('id', sa.String(length=130), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('heard_at', UtcDateTime(), nullable=False),
    sa.Column('first_heard_at', UtcDateTime(), nullable=True),
    sa.Column('told_all_at', UtcDateTime(), nullable=True),
    sa.Column('held_by', sa.JSON(), nullable=False),
    sa.Column('boot', sa.String(length=64), nullable=False),
    sa.Column('mono_ms', sa.BigInteger(), nullable=False),
    sa.Column('wall_ms', sa.BigInteger(), nullable=False),
    sa.Column('received_ms', sa.BigInteger(), nullable=False),
    sa.Column('queued', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_phone'))
    )
    op.create_table('patrol_photo',
    sa.Column('id', sa.String(length=96), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_photo'))
    )
    with op.batch_alter_table('patrol_photo', schema=None) as batch_op:
        batch_op.create_index('ix_patrol_photo_by_received_at', ['by', 'received_at'], unique=False)

    op.create_table('patrol_round',
    sa.Column('id', sa.String(length=160), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('route', sa.String(length=64), nullable=False),
    sa.Column('schedule', sa.String(length=64), nullable=False),
    sa.Column('shift', sa.String(length=80), nullable=False),
    sa.Column('starts_at', UtcDateTime(), nullable=False),
    sa.Column('ends_at', UtcDateTime(), nullable=False),
    sa.Column('opens_at', UtcDateTime(), nullable=False),
    sa.Column('closes_at', UtcDateTime(), nullable=False),
    sa.Column('final_at', UtcDateTime(), nullable=False),
    sa.Column('confirm_at', UtcDateTime(), nullable=False),
    sa.Column('plan', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('stops', sa.Integer(), nullable=False),
    sa.Column('visited', sa.Integer(), nullable=False),
    sa.Column('missed', sa.Integer(), nullable=False),
    sa.Column('unconfirmed', sa.Boolean(), nullable=False),
    sa.Column('flagged', sa.Integer(), nullable=False),
    sa.Column('short_of', sa.String(length=200), nullable=False),
    sa.Column('guards', sa.JSON(), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=True),
    sa.Column('finished_at', UtcDateTime(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_round'))
    )
    with op.batch_alter_table('patrol_round', schema=None) as batch_op:
        batch_op.create_index('ix_patrol_round_site_route_opens_at', ['site', 'route', 'opens_at'], unique=False)
        batch_op.create_index('ix_patrol_round_site_starts_at', ['site', 'starts_at'], unique=False)

    op.create_table('patrol_tag_health',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('checkpoint', sa.String(length=64), nullable=False),
    sa.Column('recent', sa.JSON(), nullable=False),
    sa.Column('by_hand', sa.Integer(), nullable=False),
    sa.Column('read_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('site', 'checkpoint', name=op.f('pk_patrol_tag_health'))
    )
    op.create_table('patrol_tap',
    sa.Column('id', sa.String(length=160), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('device', sa.String(length=64), nullable=False),
    sa.Column('phone', sa.String(length=64), nullable=False),
    sa.Column('reader', sa.String(length=64), nullable=False),
    sa.Column('checkpoint', sa.String(length=64), nullable=True),
    sa.Column('tag', sa.String(length=80), nullable=False),
    sa.Column('guard', sa.String(length=80), nullable=False),
    sa.Column('delivered_by', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('claimed_at', UtcDateTime(), nullable=True),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('clock', sa.String(length=16), nullable=False),
    sa.Column('uncertain_ms', sa.BigInteger(), nullable=False),
    sa.Column('clock_turned', sa.Boolean(), nullable=False),
    sa.Column('evidence', sa.String(length=16), nullable=False),
    sa.Column('doubts', sa.JSON(), nullable=False),
    sa.Column('proof', sa.String(length=40), nullable=False),
    sa.Column('marks', sa.JSON(), nullable=False),
    sa.Column('why', sa.JSON(), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('rounds', sa.JSON(), nullable=False),
    sa.Column('round_hint', sa.String(length=160), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('photos', sa.JSON(), nullable=False),
    sa.Column('retries', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_tap'))
    )
    with op.batch_alter_table('patrol_tap', schema=None) as batch_op:
        batch_op.create_index('ix_patrol_tap_checkpoint_at', ['site', 'checkpoint', 'at'], unique=False)
        batch_op.create_index('ix_patrol_tap_guard_at', ['site', 'guard', 'at'], unique=False)
        batch_op.create_index('ix_patrol_tap_received_at', ['received_at'], unique=False)
        batch_op.create_index('ix_patrol_tap_site_at', ['site', 'at'], unique=False)

    op.create_table('patrol_watermark',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('what', sa.String(length=140), nullable=False),
    sa.Column('since', UtcDateTime(), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=False),
    sa.Column('raised_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('site', 'what', name=op.f('pk_patrol_watermark'))
    )
    op.create_table('sun_claim',
    sa.Column('uid', sa.String(length=14), nullable=False),
    sa.Column('counter', sa.BigInteger(), nullable=False),
    sa.Column('client_id', sa.String(length=160), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('device', sa.String(length=130), nullable=False),
    sa.Column('outcome', sa.String(length=24), nullable=False),
    sa.PrimaryKeyConstraint('uid', 'counter', name=op.f('pk_sun_claim'))
    )
    with op.batch_alter_table('sun_claim', schema=None) as batch_op:
        batch_op.create_index('ix_sun_claim_device_at_ms', ['device', 'at_ms'], unique=False)

    op.create_table('sun_counter',
    sa.Column('uid', sa.String(length=14), nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.Column('last_at_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('uid', name=op.f('pk_sun_counter'))
    )
    op.create_table('sun_key',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('site', 'name', name=op.f('pk_sun_key'))
    )
    op.create_table('duty_pin',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('pin_hash', sa.String(length=256), nullable=False),
    sa.Column('duress_hash', sa.String(length=256), nullable=False),
    sa.Column('set_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['username'], ['user_account.username'], name=op.f('fk_duty_pin_username')),
    sa.PrimaryKeyConstraint('username', name=op.f('pk_duty_pin'))
    )
    op.create_table('patrol_round_event',
    sa.Column('round_id', sa.String(length=160), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('stop', sa.Integer(), nullable=True),
    sa.Column('was', sa.String(length=40), nullable=False),
    sa.Column('now', sa.String(length=40), nullable=False),
    sa.Column('rule', sa.String(length=64), nullable=False),
    sa.Column('taps', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['patrol_round.id'], name=op.f('fk_patrol_round_event_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'seq', name=op.f('pk_patrol_round_event'))
    )
    with op.batch_alter_table('patrol_round_event', schema=None) as batch_op:
        batch_op.create_index('ix_patrol_round_event_at', ['at'], unique=False)

    op.create_table('patrol_stop',
    sa.Column('round_id', sa.String(length=160), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('checkpoint', sa.String(length=64), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('certainty', sa.String(length=16), nullable=False),
    sa.Column('marks', sa.JSON(), nullable=False),
    sa.Column('tap_id', sa.String(length=160), nullable=True),
    sa.Column('at', UtcDateTime(), nullable=True),
    sa.Column('rule', sa.String(length=64), nullable=False),
    sa.Column('because', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['patrol_round.id'], name=op.f('fk_patrol_stop_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'position', name=op.f('pk_patrol_stop'))
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('patrol_stop')
    with op.batch_alter_table('patrol_round_event', schema=None) as batch_op:
        batch_op.drop_index('ix_patrol_round_event_at')

    op.drop_table('patrol_round_event')
    op.drop_table('duty_pin')
    op.drop_table('sun_key')
    op.drop_table('sun_counter')
    with op.batch_alter_table('sun_claim', schema=None) as batch_op:
        batch_op.drop_index('ix_sun_claim_device_at_ms')

    op.drop_table('sun_claim')
    op.drop_table('patrol_watermark')
    with op.batch_alter_table('patrol_tap', schema=None) as batch_op:
        batch_op.drop_index('ix_patrol_tap_site_at')
        batch_op.drop_index('ix_patrol_tap_received_at')
        batch_op.drop_index('ix_patrol_tap_guard_at')
        batch_op.drop_index('ix_patrol_tap_checkpoint_at')

    op.drop_table('patrol_tap')
    op.drop_table('patrol_tag_health')
    with op.batch_alter_table('patrol_round', schema=None) as batch_op:
        batch_op.drop_index('ix_patrol_round_site_starts_at')
        batch_op.drop_index('ix_patrol_round_site_route_opens_at')

    op.drop_table('patrol_round')
    with op.batch_alter_table('patrol_photo', schema=None) as batch_op:
        batch_op.drop_index('ix_patrol_photo_by_received_at')

    op.drop_table('patrol_photo')
    op.drop_table('patrol_phone')
    op.drop_table('patrol_leg')
    with op.batch_alter_table('patrol_incident', schema=None) as batch_op:
        batch_op.drop_index('ix_patrol_incident_site_at')

    op.drop_table('patrol_incident')
    op.drop_table('patrol_handover')
    with op.batch_alter_table('patrol_anomaly', schema=None) as batch_op:
        batch_op.drop_index('uq_patrol_anomaly_ref')
        batch_op.drop_index('ix_patrol_anomaly_site_at')
        batch_op.drop_index('ix_patrol_anomaly_open', sqlite_where=sa.text('closed_at IS NULL AND withdrawn_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL AND withdrawn_at IS NULL'))

    op.drop_table('patrol_anomaly')
    with op.batch_alter_table('duty_time', schema=None) as batch_op:
        batch_op.drop_index('uq_duty_time_open', sqlite_where=sa.text('off_at IS NULL'), postgresql_where=sa.text('off_at IS NULL'))

    op.drop_table('duty_time')
