"""Identity: sessions, codes, second factors, consents, and an audit log that is a chain.

The unchained log of before is dropped with its few rows: it could prove nothing.
"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import Json, RowId, UtcDateTime

revision = 'b09fc43fbe26'
down_revision = 'b3f1d92c7e60'
branch_labels = None
depends_on = None

ADDED_TO = ('audit_log', 'chain_seals')
ADD_ONLY = {
    'sqlite': [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
        for table in ADDED_TO for verb in ('update', 'delete')
    ],
    'postgresql': [
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME; END $$",
        *(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            for table in ADDED_TO
        ),
    ],
}


def upgrade() -> None:
    op.create_table('chain_heads',
    sa.Column('chain', sa.String(length=50), nullable=False),
    sa.Column('position', RowId, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('chain', name=op.f('pk_chain_heads'))
    )
    op.create_table('chain_seals',
    sa.Column('chain', sa.String(length=50), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('position', RowId, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('signature', sa.Text(), nullable=False),
    sa.Column('sealed_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('chain', 'day', name=op.f('pk_chain_seals'))
    )
    op.create_table('otp_challenges',
    sa.Column('challenge_id', sa.String(length=50), nullable=False),
    sa.Column('contact_index', sa.LargeBinary(), nullable=False),
    sa.Column('channel', sa.String(length=20), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('used_at', UtcDateTime(), nullable=True),
    sa.PrimaryKeyConstraint('challenge_id', name=op.f('pk_otp_challenges'))
    )
    with op.batch_alter_table('otp_challenges', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_otp_challenges_contact_index'), ['contact_index'], unique=False)
        batch_op.create_index(batch_op.f('ix_otp_challenges_expires_at'), ['expires_at'], unique=False)

    op.create_table('retention_rules',
    sa.Column('kind', sa.String(length=50), nullable=False),
    sa.Column('keep_days', sa.Integer(), nullable=False),
    sa.Column('updated_by', sa.String(length=100), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('kind', name=op.f('pk_retention_rules'))
    )
    op.create_table('revocations',
    sa.Column('session_id', sa.String(length=100), nullable=False),
    sa.Column('revoked_at', UtcDateTime(), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('session_id', name=op.f('pk_revocations'))
    )
    with op.batch_alter_table('revocations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_revocations_revoked_at'), ['revoked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_revocations_until'), ['until'], unique=False)

    op.create_table('consents',
    sa.Column('consent_id', sa.String(length=50), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(length=50), nullable=False),
    sa.Column('is_given', sa.Boolean(), nullable=False),
    sa.Column('text_version', sa.String(length=50), nullable=True),
    sa.Column('said_by', sa.String(length=100), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_consents_user_id')),
    sa.PrimaryKeyConstraint('consent_id', name=op.f('pk_consents'))
    )
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.create_index('ix_consents_of', ['user_id', 'at', 'consent_id'], unique=False)

    op.create_table('exports',
    sa.Column('export_id', sa.String(length=50), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('requested_at', UtcDateTime(), nullable=False),
    sa.Column('ready_at', UtcDateTime(), nullable=True),
    sa.Column('expires_at', UtcDateTime(), nullable=True),
    sa.Column('stored_as', sa.String(length=255), nullable=True),
    sa.Column('key', sa.LargeBinary(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_exports_user_id')),
    sa.PrimaryKeyConstraint('export_id', name=op.f('pk_exports'))
    )
    with op.batch_alter_table('exports', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_exports_user_id'), ['user_id'], unique=False)

    op.create_table('preferences',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('channel', sa.String(length=20), nullable=True),
    sa.Column('safe_channels', Json, nullable=True),
    sa.Column('safe_from', sa.Integer(), nullable=True),
    sa.Column('safe_until', sa.Integer(), nullable=True),
    sa.Column('code_word', sa.LargeBinary(), nullable=True),
    sa.Column('never_leave_message', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_preferences_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_preferences'))
    )
    op.create_table('recovery_codes',
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('used_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_recovery_codes_user_id')),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_recovery_codes'))
    )
    with op.batch_alter_table('recovery_codes', schema=None) as batch_op:
        batch_op.create_index('ix_recovery_codes_left', ['user_id', 'used_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_recovery_codes_user_id'), ['user_id'], unique=False)

    op.create_table('reveals',
    sa.Column('reveal_id', sa.String(length=50), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('by', sa.String(length=100), nullable=False),
    sa.Column('reason', sa.String(length=30), nullable=False),
    sa.Column('grievance_id', sa.String(length=50), nullable=True),
    sa.Column('fields', Json, nullable=False),
    sa.Column('restricted', sa.Boolean(), nullable=False),
    sa.Column('refused', sa.String(length=50), nullable=True),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=True),
    sa.Column('closed_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_reveals_user_id')),
    sa.PrimaryKeyConstraint('reveal_id', name=op.f('pk_reveals'))
    )
    with op.batch_alter_table('reveals', schema=None) as batch_op:
        batch_op.create_index('ix_reveals_by', ['by', 'asked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_reveals_user_id'), ['user_id'], unique=False)

    op.create_table('second_factors',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('confirmed_at', UtcDateTime(), nullable=True),
    sa.Column('last_step', sa.Integer(), nullable=True),
    sa.Column('replaced_by', sa.LargeBinary(), nullable=True),
    sa.Column('wrong_tries', sa.Integer(), nullable=False),
    sa.Column('wrong_since', UtcDateTime(), nullable=True),
    sa.Column('rests_until', UtcDateTime(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_second_factors_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_second_factors'))
    )
    op.create_table('sessions',
    sa.Column('session_id', sa.String(length=50), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=40), nullable=False),
    sa.Column('method', sa.String(length=20), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('last_seen_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('ended_why', sa.String(length=30), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_sessions_user_id')),
    sa.PrimaryKeyConstraint('session_id', name=op.f('pk_sessions'))
    )
    with op.batch_alter_table('sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sessions_user_id'), ['user_id'], unique=False)

    op.create_table('refresh_tokens',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('session_id', sa.String(length=50), nullable=False),
    sa.Column('issued_at', UtcDateTime(), nullable=False),
    sa.Column('used_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['session_id'], ['sessions.session_id'], name=op.f('fk_refresh_tokens_session_id')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_refresh_tokens'))
    )
    with op.batch_alter_table('refresh_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refresh_tokens_session_id'), ['session_id'], unique=False)

    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.add_column(sa.Column('expires_at', UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column('replaces', sa.String(length=50), nullable=True))

    op.drop_table('audit_log')
    op.create_table('audit_log',
    sa.Column('position', RowId, autoincrement=False, nullable=False),
    sa.Column('event_id', sa.String(length=50), nullable=False),
    sa.Column('service', sa.String(length=20), nullable=False),
    sa.Column('who', sa.String(length=100), nullable=False),
    sa.Column('role', sa.String(length=40), nullable=True),
    sa.Column('act', sa.String(length=40), nullable=False),
    sa.Column('target', sa.String(length=100), nullable=True),
    sa.Column('reason', sa.String(length=50), nullable=True),
    sa.Column('details', Json, nullable=False),
    sa.Column('restricted', sa.Boolean(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('previous', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('position', name=op.f('pk_audit_log')),
    sa.UniqueConstraint('event_id', name=op.f('uq_audit_log_event_id'))
    )
    with op.batch_alter_table('audit_log', schema=None) as batch_op:
        batch_op.create_index('ix_audit_log_act', ['act', 'position'], unique=False)
        batch_op.create_index('ix_audit_log_at', ['at'], unique=False)
        batch_op.create_index('ix_audit_log_target', ['target', 'position'], unique=False)
        batch_op.create_index('ix_audit_log_who', ['who', 'position'], unique=False)

    for statement in ADD_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)

    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.add_column(sa.Column('national_id_index', sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column('is_email_proven', sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column('merged_into', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('erased_at', UtcDateTime(), nullable=True))
        batch_op.create_index(batch_op.f('ix_users_national_id_index'), ['national_id_index'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_users_national_id_index'))
        batch_op.drop_column('erased_at')
        batch_op.drop_column('merged_into')
        batch_op.drop_column('is_email_proven')
        batch_op.drop_column('national_id_index')

    op.drop_table('audit_log')
    op.drop_table('chain_seals')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION refuse_change()')
    op.create_table('audit_log',
    sa.Column('audit_id', RowId, autoincrement=True, nullable=False),
    sa.Column('who', sa.String(length=100), nullable=False),
    sa.Column('act', sa.String(length=40), nullable=False),
    sa.Column('about', sa.String(length=100), nullable=True),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('audit_id', name=op.f('pk_audit_log'))
    )
    with op.batch_alter_table('audit_log', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_log_about'), ['about'], unique=False)

    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.drop_column('replaces')
        batch_op.drop_column('expires_at')

    with op.batch_alter_table('refresh_tokens', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refresh_tokens_session_id'))

    op.drop_table('refresh_tokens')
    with op.batch_alter_table('sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sessions_user_id'))

    op.drop_table('sessions')
    op.drop_table('second_factors')
    with op.batch_alter_table('reveals', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reveals_user_id'))
        batch_op.drop_index('ix_reveals_by')

    op.drop_table('reveals')
    with op.batch_alter_table('recovery_codes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_recovery_codes_user_id'))
        batch_op.drop_index('ix_recovery_codes_left')

    op.drop_table('recovery_codes')
    op.drop_table('preferences')
    with op.batch_alter_table('exports', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_exports_user_id'))

    op.drop_table('exports')
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.drop_index('ix_consents_of')

    op.drop_table('consents')
    with op.batch_alter_table('revocations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_revocations_until'))
        batch_op.drop_index(batch_op.f('ix_revocations_revoked_at'))

    op.drop_table('revocations')
    op.drop_table('retention_rules')
    with op.batch_alter_table('otp_challenges', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_otp_challenges_expires_at'))
        batch_op.drop_index(batch_op.f('ix_otp_challenges_contact_index'))

    op.drop_table('otp_challenges')
    op.drop_table('chain_heads')
