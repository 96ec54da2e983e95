"""First schema"""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime


revision = '0001'
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table('alert',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('rule', sa.String(length=96), nullable=False),
    sa.Column('target', sa.String(length=160), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('title_en', sa.Text(), nullable=False),
    sa.Column('severity', sa.String(length=16), nullable=False),
    sa.Column('max_severity', sa.String(length=16), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('occurrence', sa.Integer(), nullable=False),
    sa.Column('acked_occurrence', sa.Integer(), nullable=False),
    sa.Column('latching', sa.Boolean(), nullable=False),
    sa.Column('latched', sa.Boolean(), nullable=False),
    sa.Column('shelved_until', UtcDateTime(), nullable=True),
    sa.Column('shelved_by', sa.String(length=64), nullable=True),
    sa.Column('shelve_reason', sa.String(length=400), nullable=True),
    sa.Column('suppressed', sa.String(length=400), nullable=True),
    sa.Column('out_of_service', sa.String(length=400), nullable=True),
    sa.Column('opened_at', UtcDateTime(), nullable=False),
    sa.Column('last_active_at', UtcDateTime(), nullable=False),
    sa.Column('cleared_at', UtcDateTime(), nullable=True),
    sa.Column('closed_at', UtcDateTime(), nullable=True),
    sa.Column('announced_at', UtcDateTime(), nullable=True),
    sa.Column('announced_occurrence', sa.Integer(), nullable=False),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('value', sa.Double(), nullable=True),
    sa.Column('limit_text', sa.Text(), nullable=False),
    sa.Column('unit', sa.String(length=16), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('requirement', sa.Text(), nullable=False),
    sa.Column('policy', sa.JSON(), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('acked_occurrence <= occurrence', name=op.f('ck_alert_acked_what_happened')),
    sa.CheckConstraint('closed_at IS NULL OR NOT active', name=op.f('ck_alert_closed_is_inactive')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert'))
    )
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.create_index('ix_alert_key_closed', ['rule', 'target', 'closed_at'], unique=False)
        batch_op.create_index('ix_alert_site_opened', ['site', 'opened_at'], unique=False)
        batch_op.create_index('uq_alert_open', ['rule', 'target'], unique=True, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))

    op.create_table('audit',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=64), nullable=False),
    sa.Column('ref', sa.String(length=160), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_ref'), ['ref'], unique=False)

    op.create_table('broker_session',
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('broker', sa.String(length=256), nullable=False),
    sa.Column('since', UtcDateTime(), nullable=False),
    sa.Column('lost', sa.Integer(), nullable=False),
    sa.Column('dropped', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_broker_session'))
    )
    op.create_table('device_sequence',
    sa.Column('device', sa.String(length=130), nullable=False),
    sa.Column('boot', sa.String(length=26), nullable=False),
    sa.Column('high', sa.BigInteger(), nullable=False),
    sa.Column('gaps', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('device', 'boot', name=op.f('pk_device_sequence'))
    )
    op.create_table('device_state',
    sa.Column('device', sa.String(length=130), nullable=False),
    sa.Column('heard_ms', sa.BigInteger(), nullable=False),
    sa.Column('event_ms', sa.BigInteger(), nullable=False),
    sa.Column('online', sa.Boolean(), nullable=True),
    sa.Column('ahead_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('device', name=op.f('pk_device_state'))
    )
    op.create_table('excursion',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('point', sa.String(length=130), nullable=False),
    sa.Column('rule', sa.String(length=64), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=False),
    sa.Column('worst', sa.Float(), nullable=False),
    sa.Column('alerted', sa.Boolean(), nullable=False),
    sa.Column('suspended', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_excursion'))
    )
    with op.batch_alter_table('excursion', schema=None) as batch_op:
        batch_op.create_index('ix_excursion_point_started_at', ['point', 'started_at'], unique=False)

    op.create_table('flood',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flood'))
    )
    with op.batch_alter_table('flood', schema=None) as batch_op:
        batch_op.create_index('uq_flood_open', ['site'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('heard_event',
    sa.Column('device', sa.String(length=130), nullable=False),
    sa.Column('event_id', sa.String(length=48), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('received_ms', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=True),
    sa.PrimaryKeyConstraint('device', 'event_id', name=op.f('pk_heard_event'))
    )
    with op.batch_alter_table('heard_event', schema=None) as batch_op:
        batch_op.create_index('ix_heard_event_kind_at_ms', ['kind', 'at_ms'], unique=False)

    op.create_table('heartbeat',
    sa.Column('role', sa.String(length=32), nullable=False),
    sa.Column('holder', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.Column('sites', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('role', 'holder', name=op.f('pk_heartbeat'))
    )
    op.create_table('login_attempt',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('ip', sa.String(length=64), nullable=False),
    sa.Column('succeeded', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_attempt'))
    )
    with op.batch_alter_table('login_attempt', schema=None) as batch_op:
        batch_op.create_index('ix_login_attempt_ip_at', ['ip', 'at'], unique=False)
        batch_op.create_index('ix_login_attempt_username_at', ['username', 'at'], unique=False)

    op.create_table('maintenance_mode',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('target', sa.String(length=130), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_maintenance_mode'))
    )
    with op.batch_alter_table('maintenance_mode', schema=None) as batch_op:
        batch_op.create_index('uq_maintenance_mode_open', ['target'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('message',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('idem_key', sa.String(length=240), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('recipient', sa.String(length=64), nullable=False),
    sa.Column('recipient_role', sa.String(length=32), nullable=False),
    sa.Column('channel', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('subject_kind', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=64), nullable=False),
    sa.Column('occurrence', sa.Integer(), nullable=False),
    sa.Column('severity', sa.String(length=16), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('text_en', sa.Text(), nullable=False),
    sa.Column('mobiles', sa.JSON(), nullable=False),
    sa.Column('decision', sa.String(length=8), nullable=False),
    sa.Column('reason', sa.String(length=64), nullable=False),
    sa.Column('status', sa.String(length=8), nullable=False),
    sa.Column('merged_into', sa.String(length=26), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=True),
    sa.Column('lease_until', UtcDateTime(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('tried_at', UtcDateTime(), nullable=True),
    sa.Column('sent_at', UtcDateTime(), nullable=True),
    sa.Column('provider_code', sa.String(length=64), nullable=True),
    sa.Column('error', sa.String(length=400), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message')),
    sa.UniqueConstraint('idem_key', name=op.f('uq_message_idem_key'))
    )
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.create_index('ix_message_channel_tried', ['site', 'channel', 'tried_at'], unique=False)
        batch_op.create_index('ix_message_due', ['site', 'channel', 'next_at'], unique=False, sqlite_where=sa.text("status IN ('pending', 'sending')"), postgresql_where=sa.text("status IN ('pending', 'sending')"))
        batch_op.create_index(batch_op.f('ix_message_merged_into'), ['merged_into'], unique=False)
        batch_op.create_index('ix_message_site_created', ['site', 'created_at'], unique=False)
        batch_op.create_index('ix_message_subject', ['subject_kind', 'subject_id'], unique=False)

    op.create_table('point_state',
    sa.Column('point', sa.String(length=130), nullable=False),
    sa.Column('last_ms', sa.BigInteger(), nullable=False),
    sa.Column('received_ms', sa.BigInteger(), nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('quality', sa.Integer(), nullable=False),
    sa.Column('recent', sa.LargeBinary(), nullable=False),
    sa.Column('first_ms', sa.BigInteger(), nullable=False),
    sa.Column('provisional_set', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('point', name=op.f('pk_point_state')),
    sqlite_with_rowid=False
    )
    op.create_table('quarantine',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('device', sa.String(length=64), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('code', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('hint', sa.Text(), nullable=False),
    sa.Column('place', sa.String(length=64), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('dismissed_at', UtcDateTime(), nullable=True),
    sa.Column('dismissed_by', sa.String(length=64), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quarantine'))
    )
    with op.batch_alter_table('quarantine', schema=None) as batch_op:
        batch_op.create_index('ix_quarantine_open', ['received_at'], unique=False, sqlite_where=sa.text('dismissed_at IS NULL'), postgresql_where=sa.text('dismissed_at IS NULL'))
        batch_op.create_index('ix_quarantine_source', ['site', 'device', 'code', 'received_at'], unique=False)

    op.create_table('rule_state',
    sa.Column('point', sa.String(length=130), nullable=False),
    sa.Column('rule', sa.String(length=64), nullable=False),
    sa.Column('phase', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=2000), nullable=False),
    sa.PrimaryKeyConstraint('point', 'rule', name=op.f('pk_rule_state'))
    )
    op.create_table('timer',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('ref', sa.String(length=128), nullable=False),
    sa.Column('step', sa.String(length=64), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=False),
    sa.Column('done_at', UtcDateTime(), nullable=True),
    sa.Column('outcome', sa.String(length=200), nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer')),
    sa.UniqueConstraint('kind', 'ref', 'step', name=op.f('uq_timer_kind_ref_step'))
    )
    with op.batch_alter_table('timer', schema=None) as batch_op:
        batch_op.create_index('ix_timer_open', ['due_at'], unique=False, sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))

    op.create_table('user_account',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('display_name', sa.String(length=128), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('areas', sa.JSON(), nullable=False),
    sa.Column('password_hash', sa.String(length=256), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('must_change_password', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('username', name=op.f('pk_user_account'))
    )
    op.create_table('work_order',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.String(length=32), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('alert_id', sa.String(length=26), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('equipment', sa.Text(), nullable=False),
    sa.Column('priority', sa.String(length=2), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('assignee', sa.String(length=64), nullable=True),
    sa.Column('assignee_role', sa.String(length=32), nullable=True),
    sa.Column('executors', sa.JSON(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('respond_due_at', UtcDateTime(), nullable=True),
    sa.Column('finish_due_at', UtcDateTime(), nullable=True),
    sa.Column('responded_at', UtcDateTime(), nullable=True),
    sa.Column('finished_at', UtcDateTime(), nullable=True),
    sa.Column('closed_at', UtcDateTime(), nullable=True),
    sa.Column('hold_reason', sa.String(length=400), nullable=True),
    sa.Column('hold_until', UtcDateTime(), nullable=True),
    sa.Column('held_at', UtcDateTime(), nullable=True),
    sa.Column('rework_count', sa.Integer(), nullable=False),
    sa.Column('rating', sa.Integer(), nullable=True),
    sa.Column('policy', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order')),
    sa.UniqueConstraint('site', 'number', name=op.f('uq_work_order_site_number'))
    )
    with op.batch_alter_table('work_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_work_order_alert_id'), ['alert_id'], unique=False)
        batch_op.create_index('ix_work_order_site_created', ['site', 'created_at'], unique=False)
        batch_op.create_index('ix_work_order_state', ['state'], unique=False)
        batch_op.create_index('uq_work_order_open_alert', ['alert_id'], unique=True, sqlite_where=sa.text('closed_at IS NULL AND alert_id IS NOT NULL'), postgresql_where=sa.text('closed_at IS NULL AND alert_id IS NOT NULL'))

    op.create_table('work_order_counter',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('site', 'day', name=op.f('pk_work_order_counter'))
    )
    op.create_table('alert_event',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('alert_id', sa.String(length=26), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('event_at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], name=op.f('fk_alert_event_alert_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alert_event')),
    sa.UniqueConstraint('alert_id', 'seq', name=op.f('uq_alert_event_alert_id_seq'))
    )
    with op.batch_alter_table('alert_event', schema=None) as batch_op:
        batch_op.create_index('ix_alert_event_at', ['at'], unique=False)

    op.create_table('api_token',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=True),
    sa.Column('last_used_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['username'], ['user_account.username'], name=op.f('fk_api_token_username')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_api_token'))
    )
    with op.batch_alter_table('api_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_token_username'), ['username'], unique=False)

    op.create_table('login_session',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('csrf_token', sa.String(length=64), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('last_seen_at', UtcDateTime(), nullable=False),
    sa.Column('ip', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['username'], ['user_account.username'], name=op.f('fk_login_session_username')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_login_session'))
    )
    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_session_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_login_session_username'), ['username'], unique=False)

    op.create_table('work_order_event',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('event_at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_work_order_event_work_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order_event')),
    sa.UniqueConstraint('work_order_id', 'seq', name=op.f('uq_work_order_event_work_order_id_seq'))
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('work_order_event')
    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_login_session_username'))
        batch_op.drop_index(batch_op.f('ix_login_session_expires_at'))

    op.drop_table('login_session')
    with op.batch_alter_table('api_token', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_token_username'))

    op.drop_table('api_token')
    with op.batch_alter_table('alert_event', schema=None) as batch_op:
        batch_op.drop_index('ix_alert_event_at')

    op.drop_table('alert_event')
    op.drop_table('work_order_counter')
    with op.batch_alter_table('work_order', schema=None) as batch_op:
        batch_op.drop_index('uq_work_order_open_alert', sqlite_where=sa.text('closed_at IS NULL AND alert_id IS NOT NULL'), postgresql_where=sa.text('closed_at IS NULL AND alert_id IS NOT NULL'))
        batch_op.drop_index('ix_work_order_state')
        batch_op.drop_index('ix_work_order_site_created')
        batch_op.drop_index(batch_op.f('ix_work_order_alert_id'))

    op.drop_table('work_order')
    op.drop_table('user_account')
    with op.batch_alter_table('timer', schema=None) as batch_op:
        batch_op.drop_index('ix_timer_open', sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))

    op.drop_table('timer')
    op.drop_table('rule_state')
    with op.batch_alter_table('quarantine', schema=None) as batch_op:
        batch_op.drop_index('ix_quarantine_source')
        batch_op.drop_index('ix_quarantine_open', sqlite_where=sa.text('dismissed_at IS NULL'), postgresql_where=sa.text('dismissed_at IS NULL'))

    op.drop_table('quarantine')
    op.drop_table('point_state')
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.drop_index('ix_message_subject')
        batch_op.drop_index('ix_message_site_created')
        batch_op.drop_index(batch_op.f('ix_message_merged_into'))
        batch_op.drop_index('ix_message_due', sqlite_where=sa.text("status IN ('pending', 'sending')"), postgresql_where=sa.text("status IN ('pending', 'sending')"))
        batch_op.drop_index('ix_message_channel_tried')

    op.drop_table('message')
    with op.batch_alter_table('maintenance_mode', schema=None) as batch_op:
        batch_op.drop_index('uq_maintenance_mode_open', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.drop_table('maintenance_mode')
    with op.batch_alter_table('login_attempt', schema=None) as batch_op:
        batch_op.drop_index('ix_login_attempt_username_at')
        batch_op.drop_index('ix_login_attempt_ip_at')

    op.drop_table('login_attempt')
    op.drop_table('heartbeat')
    with op.batch_alter_table('heard_event', schema=None) as batch_op:
        batch_op.drop_index('ix_heard_event_kind_at_ms')

    op.drop_table('heard_event')
    with op.batch_alter_table('flood', schema=None) as batch_op:
        batch_op.drop_index('uq_flood_open', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.drop_table('flood')
    with op.batch_alter_table('excursion', schema=None) as batch_op:
        batch_op.drop_index('ix_excursion_point_started_at')

    op.drop_table('excursion')
    op.drop_table('device_state')
    op.drop_table('device_sequence')
    op.drop_table('broker_session')
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_ref'))
        batch_op.drop_index(batch_op.f('ix_audit_at'))

    op.drop_table('audit')
    with op.batch_alter_table('alert', schema=None) as batch_op:
        batch_op.drop_index('uq_alert_open', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
        batch_op.drop_index('ix_alert_site_opened')
        batch_op.drop_index('ix_alert_key_closed')

    op.drop_table('alert')
