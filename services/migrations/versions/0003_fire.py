"""Fire: signals of panels, incidents with their graded response, test modes, outages, tests, drills, commands."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.create_table('fire_command',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('params', sa.JSON(), nullable=False),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('asked_by', sa.String(length=64), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('sent_at', UtcDateTime(), nullable=True),
    sa.Column('outcome', sa.String(length=16), nullable=False),
    sa.Column('outcome_at', UtcDateTime(), nullable=True),
    sa.Column('answer', sa.JSON(), nullable=False),
    sa.Column('answer_by', UtcDateTime(), nullable=True),
    sa.Column('answered_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_command'))
    )
    with op.batch_alter_table('fire_command', schema=None) as batch_op:
        batch_op.create_index('ix_fire_command_site_asked_at', ['site', 'asked_at'], unique=False)

    op.create_table('fire_component',
    sa.Column('id', sa.String(length=200), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('panel', sa.String(length=64), nullable=False),
    sa.Column('address', sa.String(length=100), nullable=False),
    sa.Column('building', sa.String(length=64), nullable=False),
    sa.Column('zone', sa.String(length=64), nullable=False),
    sa.Column('point', sa.String(length=64), nullable=False),
    sa.Column('system_type', sa.Integer(), nullable=True),
    sa.Column('component_type', sa.Integer(), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('states', sa.JSON(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('test', sa.Boolean(), nullable=False),
    sa.Column('tests', sa.JSON(), nullable=False),
    sa.Column('measured', sa.JSON(), nullable=False),
    sa.Column('heard_at', UtcDateTime(), nullable=False),
    sa.Column('signal_id', sa.String(length=180), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_component'))
    )
    with op.batch_alter_table('fire_component', schema=None) as batch_op:
        batch_op.create_index('ix_fire_component_site_open', ['site', 'is_open'], unique=False)

    op.create_table('fire_drill',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('owners', sa.Integer(), nullable=False),
    sa.Column('staff', sa.Integer(), nullable=False),
    sa.Column('items', sa.JSON(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_drill'))
    )
    with op.batch_alter_table('fire_drill', schema=None) as batch_op:
        batch_op.create_index('ix_fire_drill_site_held_on', ['site', 'held_on'], unique=False)

    op.create_table('fire_incident',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.String(length=32), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('building', sa.String(length=64), nullable=False),
    sa.Column('stage', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('opened_at', UtcDateTime(), nullable=False),
    sa.Column('confirm_by', UtcDateTime(), nullable=False),
    sa.Column('graded_at', UtcDateTime(), nullable=True),
    sa.Column('graded_by', sa.String(length=64), nullable=True),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('closed_at', UtcDateTime(), nullable=True),
    sa.Column('closed_by', sa.String(length=64), nullable=True),
    sa.Column('reset_at', UtcDateTime(), nullable=True),
    sa.Column('zones', sa.JSON(), nullable=False),
    sa.Column('first_signal_id', sa.String(length=180), nullable=False),
    sa.Column('signals', sa.Integer(), nullable=False),
    sa.Column('told', sa.Integer(), nullable=False),
    sa.Column('alert_id', sa.String(length=26), nullable=True),
    sa.Column('response', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_incident')),
    sa.UniqueConstraint('site', 'number', name=op.f('uq_fire_incident_site_number'))
    )
    with op.batch_alter_table('fire_incident', schema=None) as batch_op:
        batch_op.create_index('ix_fire_incident_site_opened_at', ['site', 'opened_at'], unique=False)
        batch_op.create_index('uq_fire_incident_open', ['site', 'building'], unique=True, sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))

    op.create_table('fire_outage',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('component', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('began_at', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('prompted_at', UtcDateTime(), nullable=True),
    sa.Column('filed', sa.Boolean(), nullable=True),
    sa.Column('measures', sa.Text(), nullable=False),
    sa.Column('noted_by', sa.String(length=64), nullable=True),
    sa.Column('noted_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_outage'))
    )
    with op.batch_alter_table('fire_outage', schema=None) as batch_op:
        batch_op.create_index('ix_fire_outage_site_ended_at', ['site', 'ended_at'], unique=False)

    op.create_table('fire_signal',
    sa.Column('id', sa.String(length=180), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('device', sa.String(length=64), nullable=False),
    sa.Column('panel', sa.String(length=64), nullable=False),
    sa.Column('scope', sa.String(length=16), nullable=False),
    sa.Column('component', sa.String(length=200), nullable=False),
    sa.Column('building', sa.String(length=64), nullable=False),
    sa.Column('zone', sa.String(length=64), nullable=False),
    sa.Column('point', sa.String(length=64), nullable=False),
    sa.Column('system_type', sa.Integer(), nullable=True),
    sa.Column('component_type', sa.Integer(), nullable=True),
    sa.Column('states', sa.JSON(), nullable=False),
    sa.Column('ended', sa.JSON(), nullable=False),
    sa.Column('operations', sa.JSON(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('panel_at', UtcDateTime(), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('raw', sa.Text(), nullable=False),
    sa.Column('marks', sa.JSON(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('test', sa.Boolean(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('incident_id', sa.String(length=26), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_signal'))
    )
    with op.batch_alter_table('fire_signal', schema=None) as batch_op:
        batch_op.create_index('ix_fire_signal_component_received_at', ['component', 'received_at'], unique=False)
        batch_op.create_index('ix_fire_signal_incident', ['incident_id'], unique=False)
        batch_op.create_index('ix_fire_signal_key', ['site', 'key'], unique=False)
        batch_op.create_index('ix_fire_signal_site_received_at', ['site', 'received_at'], unique=False)

    op.create_table('fire_test',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('device', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('tested_on', sa.Date(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('signal_id', sa.String(length=180), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_test'))
    )
    with op.batch_alter_table('fire_test', schema=None) as batch_op:
        batch_op.create_index('ix_fire_test_site_tested_on', ['site', 'tested_on'], unique=False)

    op.create_table('fire_test_mode',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('panel', sa.String(length=64), nullable=False),
    sa.Column('zone', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('begun_at', UtcDateTime(), nullable=False),
    sa.Column('begun_by', sa.String(length=64), nullable=False),
    sa.Column('second', sa.String(length=64), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fire_test_mode'))
    )
    with op.batch_alter_table('fire_test_mode', schema=None) as batch_op:
        batch_op.create_index('ix_fire_test_mode_site_ended_at', ['site', 'ended_at'], unique=False)

    op.create_table('fire_call',
    sa.Column('incident_id', sa.String(length=26), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('tier', sa.Integer(), nullable=False),
    sa.Column('called_at', UtcDateTime(), nullable=False),
    sa.Column('accepted_at', UtcDateTime(), nullable=True),
    sa.Column('arrived_at', UtcDateTime(), nullable=True),
    sa.Column('arrived_by', sa.String(length=16), nullable=False),
    sa.Column('tap_id', sa.String(length=180), nullable=True),
    sa.ForeignKeyConstraint(['incident_id'], ['fire_incident.id'], name=op.f('fk_fire_call_incident_id')),
    sa.PrimaryKeyConstraint('incident_id', 'username', name=op.f('pk_fire_call'))
    )
    op.create_table('fire_incident_event',
    sa.Column('incident_id', sa.String(length=26), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['incident_id'], ['fire_incident.id'], name=op.f('fk_fire_incident_event_incident_id')),
    sa.PrimaryKeyConstraint('incident_id', 'seq', name=op.f('pk_fire_incident_event'))
    )
    op.create_table('fire_step',
    sa.Column('incident_id', sa.String(length=26), nullable=False),
    sa.Column('plan', sa.String(length=16), nullable=False),
    sa.Column('step', sa.String(length=64), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('begun_at', UtcDateTime(), nullable=False),
    sa.Column('done_at', UtcDateTime(), nullable=True),
    sa.Column('done_by', sa.String(length=64), nullable=True),
    sa.Column('not_needed', sa.Boolean(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['incident_id'], ['fire_incident.id'], name=op.f('fk_fire_step_incident_id')),
    sa.PrimaryKeyConstraint('incident_id', 'plan', 'step', name=op.f('pk_fire_step'))
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table('fire_step')
    op.drop_table('fire_incident_event')
    op.drop_table('fire_call')
    with op.batch_alter_table('fire_test_mode', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_test_mode_site_ended_at')

    op.drop_table('fire_test_mode')
    with op.batch_alter_table('fire_test', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_test_site_tested_on')

    op.drop_table('fire_test')
    with op.batch_alter_table('fire_signal', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_signal_site_received_at')
        batch_op.drop_index('ix_fire_signal_key')
        batch_op.drop_index('ix_fire_signal_incident')
        batch_op.drop_index('ix_fire_signal_component_received_at')

    op.drop_table('fire_signal')
    with op.batch_alter_table('fire_outage', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_outage_site_ended_at')

    op.drop_table('fire_outage')
    with op.batch_alter_table('fire_incident', schema=None) as batch_op:
        batch_op.drop_index('uq_fire_incident_open', sqlite_where=sa.text('closed_at IS NULL'), postgresql_where=sa.text('closed_at IS NULL'))
        batch_op.drop_index('ix_fire_incident_site_opened_at')

    op.drop_table('fire_incident')
    with op.batch_alter_table('fire_drill', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_drill_site_held_on')

    op.drop_table('fire_drill')
    with op.batch_alter_table('fire_component', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_component_site_open')

    op.drop_table('fire_component')
    with op.batch_alter_table('fire_command', schema=None) as batch_op:
        batch_op.drop_index('ix_fire_command_site_asked_at')

    op.drop_table('fire_command')
