"""Roots and signature of issued documents, and the daily chain of checkpoints over them.

Both are immutable: a root, key or signature moves only with its draft's issue, a checkpoint never changes and goes on
from the last one, and no document enters a checkpoint that stands.

Revision ID: 2026_11_25_roots_and_checkpoints
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_roots_and_checkpoints"
down_revision = "2026_11_25_least_completeness"
branch_labels = None
depends_on = None

INVOICE_COLUMNS = ("readings_root", "lines_root", "signing_public_key", "signature")
_GOES_ELSEWHERE = """EXISTS (
    SELECT 1 FROM checkpoint AS last WHERE NEW.checkpoint_date <= last.checkpoint_date
    OR last.checkpoint_date = (SELECT max(checkpoint_date) FROM checkpoint)
    AND last.checkpoint_sha256 <> NEW.previous_sha256
)"""
_CHANGED = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in INVOICE_COLUMNS)
TRIGGERS = {
    ("invoice", "update", "proof_update"): (
        f"OLD.status NOT IN ('draft', 'approved') AND ({_CHANGED})",
        "an issued invoice is immutable",
    ),
    ("checkpoint", "update", "update"): ("1 = 1", "a checkpoint is immutable"),
    ("checkpoint", "delete", "delete"): ("1 = 1", "a checkpoint is immutable"),
    ("checkpoint", "insert", "insert"): (
        _GOES_ELSEWHERE,
        "a checkpoint goes on from the last one",
    ),
    ("checkpoint_document", "update", "update"): ("1 = 1", "a checkpoint is immutable"),
    ("checkpoint_document", "delete", "delete"): ("1 = 1", "a checkpoint is immutable"),
    ("checkpoint_document", "insert", "insert"): (
        "EXISTS (SELECT 1 FROM checkpoint WHERE checkpoint_date >= NEW.checkpoint_date)",
        "a checkpoint is immutable",
    ),
}


def upgrade() -> None:
    for column in INVOICE_COLUMNS:
        op.add_column("invoice", sa.Column(column, sa.Text(), nullable=True))
    op.create_table(
        "checkpoint",
        sa.Column("checkpoint_date", sa.Date(), nullable=False),
        sa.Column("previous_sha256", sa.Text(), nullable=False),
        sa.Column("document_count", sa.Integer(), nullable=False),
        sa.Column("documents_root", sa.Text(), nullable=False),
        sa.Column("log_size", sa.Integer(), nullable=False),
        sa.Column("log_root", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("checkpoint_sha256", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.CheckConstraint("(public_key IS NULL) = (signature IS NULL)", name=op.f("ck_checkpoint_signature")),
        sa.PrimaryKeyConstraint("checkpoint_date", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "checkpoint_document",
        sa.Column("checkpoint_date", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=False),
        sa.Column("invoice_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("checkpoint_date", "position", name=op.f("pk_checkpoint_document")),
        sa.UniqueConstraint("invoice_number", name=op.f("uq_checkpoint_document_invoice_number")),
    )
    create = _create_postgresql if op.get_bind().dialect.name == "postgresql" else _create_sqlite
    for (table, action, name), (condition, refusal) in TRIGGERS.items():
        create(table, action, name=f"{table}_{name}_refused", condition=condition, refusal=refusal)


def downgrade() -> None:
    for table, _, name in TRIGGERS:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_{name}_refused() CASCADE")
        else:
            op.execute(f"DROP TRIGGER {table}_{name}_refused")
    op.drop_table("checkpoint_document")
    op.drop_table("checkpoint")
    for column in reversed(INVOICE_COLUMNS):
        op.drop_column("invoice", column)


def _create_sqlite(table: str, action: str, *, name: str, condition: str, refusal: str) -> None:
    condition = condition.replace("IS DISTINCT FROM", "IS NOT")  # SQLite knows the former from 3.39 only
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {action.upper()} ON {table} FOR EACH ROW "
        f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    )


def _create_postgresql(table: str, action: str, *, name: str, condition: str, refusal: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = 'restrict_violation'; END IF; "
        f"RETURN COALESCE(NEW, OLD); END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {action.upper()} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
