"""Ledger, plans, inspections, costs, approvals, call-backs and reports."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.create_table('equipment',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('eid', sa.String(length=64), nullable=False),
    sa.Column('origin', sa.String(length=16), nullable=False),
    sa.Column('declared', sa.Boolean(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('tag', sa.String(length=16), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('name_en', sa.Text(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('area', sa.String(length=64), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('status_at', UtcDateTime(), nullable=False),
    sa.Column('responsible', sa.String(length=64), nullable=False),
    sa.Column('supervisor', sa.String(length=64), nullable=False),
    sa.Column('manager', sa.String(length=64), nullable=False),
    sa.Column('maker', sa.String(length=200), nullable=False),
    sa.Column('model', sa.String(length=200), nullable=False),
    sa.Column('serial', sa.String(length=200), nullable=False),
    sa.Column('rating', sa.String(length=200), nullable=False),
    sa.Column('made_on', sa.Date(), nullable=True),
    sa.Column('installed_on', sa.Date(), nullable=True),
    sa.Column('in_use_on', sa.Date(), nullable=True),
    sa.Column('warranty_until_on', sa.Date(), nullable=True),
    sa.Column('scrap_due_on', sa.Date(), nullable=True),
    sa.Column('bindings', sa.JSON(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_equipment')),
    sa.UniqueConstraint('site', 'eid', name=op.f('uq_equipment_site_eid')),
    sa.UniqueConstraint('tag', name=op.f('uq_equipment_tag'))
    )
    op.create_index('ix_equipment_site_kind', 'equipment', ['site', 'kind'], unique=False)
    op.create_table('kpi_weights',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('weights', sa.JSON(), nullable=False),
    sa.Column('set_at', UtcDateTime(), nullable=False),
    sa.Column('set_by', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.PrimaryKeyConstraint('site', 'from_on', name=op.f('pk_kpi_weights'))
    )
    op.create_table('report_snapshot',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('month_on', sa.Date(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('made_at', UtcDateTime(), nullable=False),
    sa.Column('made_by', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.Column('locked_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_snapshot')),
    sa.UniqueConstraint('site', 'kind', 'month_on', 'version', name=op.f('uq_report_snapshot_site_kind_month_on_version'))
    )
    op.create_table('call_back',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('level', sa.String(length=16), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('satisfied', sa.Boolean(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('rework_id', sa.String(length=26), nullable=True),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_call_back_work_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_back')),
    sa.UniqueConstraint('work_order_id', 'level', name=op.f('uq_call_back_work_order_id_level'))
    )
    op.create_table('call_back_sample',
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('level', sa.String(length=16), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('month_on', sa.Date(), nullable=False),
    sa.Column('drawn_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_call_back_sample_work_order_id')),
    sa.PrimaryKeyConstraint('work_order_id', 'level', name=op.f('pk_call_back_sample'))
    )
    op.create_table('certificate',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('equipment_id', sa.String(length=26), nullable=True),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('number', sa.String(length=120), nullable=False),
    sa.Column('issuer', sa.String(length=200), nullable=False),
    sa.Column('valid_from_on', sa.Date(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=False),
    sa.Column('document_id', sa.String(length=26), nullable=True),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_certificate_equipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate'))
    )
    op.create_index(op.f('ix_certificate_equipment_id'), 'certificate', ['equipment_id'], unique=False)
    op.create_index('ix_certificate_site_expires_on', 'certificate', ['site', 'expires_on'], unique=False)
    op.create_table('equipment_document',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('equipment_id', sa.String(length=26), nullable=True),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_equipment_document_equipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_equipment_document'))
    )
    op.create_index(op.f('ix_equipment_document_equipment_id'), 'equipment_document', ['equipment_id'], unique=False)
    op.create_table('equipment_event',
    sa.Column('equipment_id', sa.String(length=26), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('event_at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_equipment_event_equipment_id')),
    sa.PrimaryKeyConstraint('equipment_id', 'seq', name=op.f('pk_equipment_event'))
    )
    op.create_index('ix_equipment_event_at', 'equipment_event', ['at'], unique=False)
    op.create_table('inspection',
    sa.Column('id', sa.String(length=96), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('equipment_id', sa.String(length=26), nullable=False),
    sa.Column('checklist', sa.String(length=64), nullable=False),
    sa.Column('items', sa.JSON(), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('received_at', UtcDateTime(), nullable=False),
    sa.Column('opened_by', sa.String(length=16), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('photos', sa.JSON(), nullable=False),
    sa.Column('instrument', sa.String(length=120), nullable=False),
    sa.Column('emergency', sa.Boolean(), nullable=False),
    sa.Column('order_ids', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_inspection_equipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection'))
    )
    op.create_index('ix_inspection_equipment_at', 'inspection', ['equipment_id', 'at'], unique=False)
    op.create_index('ix_inspection_equipment_checklist_at', 'inspection', ['equipment_id', 'checklist', 'at'], unique=False)
    op.create_index('ix_inspection_site_at', 'inspection', ['site', 'at'], unique=False)
    op.create_table('maintenance_task',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('plan', sa.String(length=64), nullable=False),
    sa.Column('equipment_id', sa.String(length=26), nullable=False),
    sa.Column('occurrence', sa.String(length=32), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('checklist', sa.String(length=64), nullable=False),
    sa.Column('owner_role', sa.String(length=32), nullable=False),
    sa.Column('contract', sa.String(length=64), nullable=False),
    sa.Column('opens_at', UtcDateTime(), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('done_at', UtcDateTime(), nullable=True),
    sa.Column('done_by', sa.String(length=64), nullable=False),
    sa.Column('on_time', sa.Boolean(), nullable=True),
    sa.Column('passed', sa.Boolean(), nullable=True),
    sa.Column('outside_window', sa.Boolean(), nullable=False),
    sa.Column('inspection_id', sa.String(length=96), nullable=True),
    sa.Column('cancelled_at', UtcDateTime(), nullable=True),
    sa.Column('cancelled_why', sa.String(length=200), nullable=False),
    sa.Column('warned_at', UtcDateTime(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_maintenance_task_equipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_maintenance_task')),
    sa.UniqueConstraint('plan', 'equipment_id', 'occurrence', name=op.f('uq_maintenance_task_plan_equipment_id_occurrence'))
    )
    op.create_index('ix_maintenance_task_equipment_plan_due_at', 'maintenance_task', ['equipment_id', 'plan', 'due_at'], unique=False)
    op.create_index('ix_maintenance_task_site_due_at', 'maintenance_task', ['site', 'due_at'], unique=False)
    op.create_index('ix_maintenance_task_state_due_at', 'maintenance_task', ['state', 'due_at'], unique=False)
    op.create_table('meter_reading',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('equipment_id', sa.String(length=26), nullable=False),
    sa.Column('meter', sa.String(length=64), nullable=False),
    sa.Column('unit', sa.String(length=16), nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_meter_reading_equipment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meter_reading')),
    sa.UniqueConstraint('equipment_id', 'meter', 'at', name=op.f('uq_meter_reading_equipment_id_meter_at'))
    )
    op.create_table('plan_mark',
    sa.Column('site', sa.String(length=64), nullable=False),
    sa.Column('plan', sa.String(length=64), nullable=False),
    sa.Column('equipment_id', sa.String(length=26), nullable=False),
    sa.Column('since_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('meter_threshold', sa.Float(), nullable=True),
    sa.Column('metered_at', UtcDateTime(), nullable=True),
    sa.Column('rhythm', sa.String(length=96), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['equipment_id'], ['equipment.id'], name=op.f('fk_plan_mark_equipment_id')),
    sa.PrimaryKeyConstraint('site', 'plan', 'equipment_id', name=op.f('pk_plan_mark'))
    )
    op.create_table('repair_review',
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('draft', sa.JSON(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('effect', sa.Text(), nullable=False),
    sa.Column('measures', sa.Text(), nullable=False),
    sa.Column('drafted_at', UtcDateTime(), nullable=False),
    sa.Column('written_by', sa.String(length=64), nullable=False),
    sa.Column('written_at', UtcDateTime(), nullable=True),
    sa.Column('approved_by', sa.String(length=64), nullable=False),
    sa.Column('approved_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_repair_review_work_order_id')),
    sa.PrimaryKeyConstraint('work_order_id', name=op.f('pk_repair_review'))
    )
    op.create_table('report_evidence',
    sa.Column('snapshot_id', sa.String(length=26), nullable=False),
    sa.Column('figure', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['snapshot_id'], ['report_snapshot.id'], name=op.f('fk_report_evidence_snapshot_id')),
    sa.PrimaryKeyConstraint('snapshot_id', 'figure', name=op.f('pk_report_evidence'))
    )
    op.create_table('report_signature',
    sa.Column('snapshot_id', sa.String(length=26), nullable=False),
    sa.Column('slot', sa.String(length=16), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('comment', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['snapshot_id'], ['report_snapshot.id'], name=op.f('fk_report_signature_snapshot_id')),
    sa.PrimaryKeyConstraint('snapshot_id', 'slot', name=op.f('pk_report_signature'))
    )
    op.create_table('work_order_approval',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('request', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('band', sa.String(length=64), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=100), nullable=False),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('asked_by', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('decided_at', UtcDateTime(), nullable=True),
    sa.Column('decided_by', sa.String(length=64), nullable=False),
    sa.Column('paper', sa.String(length=120), nullable=False),
    sa.Column('note', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_work_order_approval_work_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order_approval')),
    sa.UniqueConstraint('work_order_id', 'request', 'position', name=op.f('uq_work_order_approval_work_order_id_request_position'))
    )
    op.create_table('work_order_cost',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('quantity', sa.Double(), nullable=False),
    sa.Column('unit', sa.String(length=16), nullable=False),
    sa.Column('price_cents', sa.Integer(), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=False),
    sa.Column('person', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('removed_at', UtcDateTime(), nullable=True),
    sa.Column('removed_by', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_work_order_cost_work_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order_cost'))
    )
    op.create_index(op.f('ix_work_order_cost_work_order_id'), 'work_order_cost', ['work_order_id'], unique=False)
    op.create_table('work_order_picture',
    sa.Column('work_order_id', sa.String(length=26), nullable=False),
    sa.Column('photo_id', sa.String(length=96), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('signer', sa.String(length=120), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_work_order_picture_work_order_id')),
    sa.PrimaryKeyConstraint('work_order_id', 'photo_id', name=op.f('pk_work_order_picture'))
    )
    op.add_column('work_order', sa.Column('equipment_id', sa.String(length=26), nullable=True))
    op.add_column('work_order', sa.Column('origin', sa.String(length=16), server_default=sa.text("'alert'"), nullable=False))
    op.add_column('work_order', sa.Column('category', sa.String(length=32), server_default=sa.text("('')"), nullable=False))
    op.add_column('work_order', sa.Column('requester', sa.String(length=120), server_default=sa.text("('')"), nullable=False))
    op.add_column('work_order', sa.Column('rework_of', sa.String(length=26), nullable=True))
    op.add_column('work_order', sa.Column('cost_cents', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('work_order', sa.Column('approved_cents', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('work_order', sa.Column('review', sa.String(length=16), server_default=sa.text("('')"), nullable=False))
    op.create_index(op.f('ix_work_order_equipment_id'), 'work_order', ['equipment_id'], unique=False)
    op.execute("UPDATE work_order SET origin = 'request' WHERE alert_id IS NULL")
    op.create_index(op.f('ix_work_order_rework_of'), 'work_order', ['rework_of'], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f('ix_work_order_rework_of'), table_name='work_order')
    op.drop_index(op.f('ix_work_order_equipment_id'), table_name='work_order')
    op.drop_column('work_order', 'review')
    op.drop_column('work_order', 'approved_cents')
    op.drop_column('work_order', 'cost_cents')
    op.drop_column('work_order', 'rework_of')
    op.drop_column('work_order', 'requester')
    op.drop_column('work_order', 'category')
    op.drop_column('work_order', 'origin')
    op.drop_column('work_order', 'equipment_id')
    op.drop_table('work_order_picture')
    op.drop_index(op.f('ix_work_order_cost_work_order_id'), table_name='work_order_cost')
    op.drop_table('work_order_cost')
    op.drop_table('work_order_approval')
    op.drop_table('report_signature')
    op.drop_table('report_evidence')
    op.drop_table('repair_review')
    op.drop_table('plan_mark')
    op.drop_table('meter_reading')
    op.drop_index('ix_maintenance_task_state_due_at', table_name='maintenance_task')
    op.drop_index('ix_maintenance_task_site_due_at', table_name='maintenance_task')
    op.drop_index('ix_maintenance_task_equipment_plan_due_at', table_name='maintenance_task')
    op.drop_table('maintenance_task')
    op.drop_index('ix_inspection_site_at', table_name='inspection')
    op.drop_index('ix_inspection_equipment_checklist_at', table_name='inspection')
    op.drop_index('ix_inspection_equipment_at', table_name='inspection')
    op.drop_table('inspection')
    op.drop_index('ix_equipment_event_at', table_name='equipment_event')
    op.drop_table('equipment_event')
    op.drop_index(op.f('ix_equipment_document_equipment_id'), table_name='equipment_document')
    op.drop_table('equipment_document')
    op.drop_index('ix_certificate_site_expires_on', table_name='certificate')
    op.drop_index(op.f('ix_certificate_equipment_id'), table_name='certificate')
    op.drop_table('certificate')
    op.drop_table('call_back_sample')
    op.drop_table('call_back')
    op.drop_table('report_snapshot')
    op.drop_table('kpi_weights')
    op.drop_index('ix_equipment_site_kind', table_name='equipment')
    op.drop_table('equipment')
