"""An invoice's life as steps: draft -> approved -> issued -> sent -> paid | void, and documents that correct one.

`invoice_step` says who took each step and when. `corrected_invoice_number` names the invoice that a correction by
difference belongs to; unlike `preceding_invoice_number` several may name the same.

Revision ID: 2026_11_25_invoice_life_cycle
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_invoice_life_cycle"
down_revision = "2026_11_25_contract_versions"
branch_labels = None
depends_on = None

CONTENT = (  # noqa: SIM905 (thirty names read better as text)
    "invoice_id document_type revision contract_id contract_version physical_asset_id billing_period period_start_at "
    "period_end_at seller_party_id buyer_party_id currency_code time_zone payment_terms_days tax_category "
    "tax_rate_percent tax_exemption_reason line_extension_amount tax_exclusive_amount tax_amount "
    "tax_inclusive_amount payable_amount preceding_invoice_number preceding_issued_on credit_reason snapshot "
    "hold_reasons content_sha256"
).split()
ISSUE = ("invoice_number", "issued_at", "issued_on", "due_date", "previous_sha256", "invoice_sha256")
STEPS = (
    "draft to approved",
    "approved to draft",  # content changed after approval: the one step back, before anything has a number
    "approved to issued",
    "issued to sent",
    "issued to paid",
    "sent to paid",
    "issued to void",
)
EARLIER_STEPS = ("issued to paid", "issued to void", "paid to void")
REFUSAL = "an issued invoice is immutable; correct it with a credit note"
REFUSED_STEP = "what is approved or issued is immutable, its status only moves forward, and no sent invoice is void"
REFUSED_HISTORY = "the steps of an invoice are immutable; add the next one"

OF_A_DRAFT = ("status = 'draft' OR (invoice_number", "status IN ('draft', 'approved') OR (invoice_number")
STATUS = (
    "status IN ('draft', 'issued', 'paid', 'void')",
    "status IN ('draft', 'approved', 'issued', 'sent', 'paid', 'void')",
)
EARLIER_REFERENCE = (
    "document_type = 'invoice' AND preceding_invoice_number IS NULL AND preceding_issued_on IS NULL "
    "AND credit_reason IS NULL OR document_type = 'credit_note' AND preceding_invoice_number IS NOT NULL "
    "AND preceding_issued_on IS NOT NULL AND credit_reason IS NOT NULL"
)
REFERENCE = (
    "document_type = 'invoice' AND preceding_invoice_number IS NULL AND corrected_invoice_number IS NULL "
    "AND preceding_issued_on IS NULL AND credit_reason IS NULL "
    "OR (document_type = 'credit_note' OR corrected_invoice_number IS NOT NULL) "
    "AND (preceding_invoice_number IS NULL) <> (corrected_invoice_number IS NULL) "
    "AND preceding_issued_on IS NOT NULL AND credit_reason IS NOT NULL"
)
REFERENCES = (EARLIER_REFERENCE, REFERENCE)
REST_OF_ISSUED = (
    " IS NOT NULL AND issued_at IS NOT NULL AND issued_on IS NOT NULL "
    "AND (due_date IS NOT NULL) = (document_type = 'invoice') AND previous_sha256 IS NOT NULL "
    "AND invoice_sha256 IS NOT NULL)"
)


def upgrade() -> None:
    # a statement of its own: SQLite adds a column with its reference in one, or not at all
    op.execute(
        "ALTER TABLE invoice ADD COLUMN corrected_invoice_number TEXT "
        "CONSTRAINT fk_invoice_corrected_invoice_number REFERENCES invoice (invoice_number)"
    )
    op.create_index("ix_invoice_corrected_invoice_number", "invoice", ["corrected_invoice_number"])
    op.create_table(
        "invoice_step",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("step_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(STATUS[1], name=op.f("ck_invoice_step_status")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.invoice_id"], name=op.f("fk_invoice_step_invoice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("invoice_id", "step_number", name=op.f("pk_invoice_step")),
    )
    _replace_checks(old=0, new=1)
    _drop_trigger("invoice", "update")
    content = _changed([*CONTENT, "corrected_invoice_number"])
    issued = _changed(ISSUE)
    _create_trigger(
        "invoice",
        "update",
        f"(OLD.status <> 'draft' AND ({content}))"
        f" OR (OLD.status NOT IN ('draft', 'approved') AND ({issued}))"
        f" OR (OLD.status <> NEW.status AND NOT ({_is_among(STEPS)}))",
        REFUSED_STEP,
    )
    _create_trigger("invoice_step", "update", "1 = 1", REFUSED_HISTORY)
    _create_trigger(
        "invoice_step",
        "delete",
        "EXISTS (SELECT 1 FROM invoice WHERE invoice_id = OLD.invoice_id AND status <> 'draft')",
        REFUSED_HISTORY,
    )


def downgrade() -> None:
    for table, action in (("invoice_step", "delete"), ("invoice_step", "update"), ("invoice", "update")):
        _drop_trigger(table, action)
    op.execute("UPDATE invoice SET status = 'draft' WHERE status = 'approved'")
    op.execute("UPDATE invoice SET status = 'issued' WHERE status = 'sent'")
    _replace_checks(old=1, new=0)
    op.drop_index("ix_invoice_corrected_invoice_number", "invoice")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_invoice_corrected_invoice_number", "invoice")
    op.drop_column("invoice", "corrected_invoice_number")
    op.drop_table("invoice_step")
    _create_trigger(
        "invoice",
        "update",
        f"OLD.status <> 'draft' AND ({_changed([*CONTENT, *ISSUE])}"
        f" OR NOT (OLD.status = NEW.status OR {_is_among(EARLIER_STEPS)}))",
        REFUSAL,
    )


def _replace_checks(*, old: int, new: int) -> None:
    """The three conditions of an invoice's row.

    SQLite has no ALTER for a CHECK, and dropping the table to build it anew would cascade to every line. Its own manual
    (lang_altertable.html, "Making Other Kinds Of Table Schema Changes") gives this way where no content changes.
    """
    if op.get_bind().dialect.name == "postgresql":
        for name, condition in (
            ("status", STATUS[new]),
            ("issued_is_complete", OF_A_DRAFT[new] + REST_OF_ISSUED),
            ("credit_note_is_complete", REFERENCES[new]),
        ):
            op.execute(f"ALTER TABLE invoice DROP CONSTRAINT ck_invoice_{name}")
            op.execute(f"ALTER TABLE invoice ADD CONSTRAINT ck_invoice_{name} CHECK ({condition})")
        return
    bind = op.get_bind()
    for old_and_new in (STATUS, OF_A_DRAFT, REFERENCES):
        bind.exec_driver_sql("PRAGMA writable_schema = ON")
        bind.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'invoice'",
            (old_and_new[old], old_and_new[new]),
        )
        bind.exec_driver_sql("PRAGMA writable_schema = RESET")


def _changed(columns: list[str] | tuple[str, ...]) -> str:
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def _is_among(steps: tuple[str, ...]) -> str:
    return f"OLD.status || ' to ' || NEW.status IN ({', '.join(repr(step) for step in steps)})"


def _create_trigger(table: str, action: str, condition: str, refusal: str) -> None:
    name = f"{table}_{action}_refused"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{refusal}' USING ERRCODE = 'restrict_violation'; END IF; "
            f"RETURN COALESCE(NEW, OLD); END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {action.upper()} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
        return
    # IS DISTINCT FROM came to SQLite in 3.39; IS NOT says the same in every version
    condition = condition.replace("IS DISTINCT FROM", "IS NOT")
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {action.upper()} ON {table} FOR EACH ROW "
        f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    )


def _drop_trigger(table: str, action: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {table}_{action}_refused() CASCADE")
    else:
        op.execute(f"DROP TRIGGER {table}_{action}_refused")
