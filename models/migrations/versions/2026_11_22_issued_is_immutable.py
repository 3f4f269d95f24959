"""Issued is immutable: triggers that refuse to change or delete what was issued, and any gap in the numbers.

A draft may be changed freely. From `issued` on only the status moves (issued -> paid or void, paid -> void).

Revision ID: 2026_11_22_issued_is_immutable
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_22_issued_is_immutable"
down_revision = "2026_11_22_operational_store"
branch_labels = None
depends_on = None

INVOICE_COLUMNS = (  # noqa: SIM905 (forty names read better as text)
    "invoice_id document_type revision contract_id contract_version physical_asset_id billing_period period_start_at "
    "period_end_at seller_party_id buyer_party_id currency_code time_zone payment_terms_days tax_category "
    "tax_rate_percent tax_exemption_reason line_extension_amount tax_exclusive_amount tax_amount "
    "tax_inclusive_amount payable_amount preceding_invoice_number preceding_issued_on credit_reason snapshot "
    "hold_reasons content_sha256 invoice_number issued_at issued_on due_date previous_sha256 invoice_sha256"
).split()
REFUSAL = "an issued invoice is immutable; correct it with a credit note"
GAP = "invoice numbers are gapless; a sequence moves by one and is never deleted"


def upgrade() -> None:
    create = _create_postgresql if op.get_bind().dialect.name == "postgresql" else _create_sqlite
    for (table, action), condition in _refused().items():
        create(table, action, condition)


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, action in _refused():
        if is_postgresql:
            op.execute(f"DROP FUNCTION {table}_{action}_refused() CASCADE")
        else:
            op.execute(f"DROP TRIGGER {table}_{action}_refused")


def _refused() -> dict[tuple[str, str], str]:
    """(table, action) -> the condition under which it is refused, in SQL that SQLite and Postgres both understand."""
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in INVOICE_COLUMNS)
    steps = (
        "OLD.status = NEW.status"
        " OR OLD.status || ' to ' || NEW.status IN ('issued to paid', 'issued to void', 'paid to void')"
    )
    conditions = {
        ("invoice", "update"): f"OLD.status <> 'draft' AND ({changed} OR NOT ({steps}))",
        ("invoice", "delete"): "OLD.status <> 'draft'",
        ("number_sequence", "update"): (
            "NEW.last_number <> OLD.last_number + 1 OR NEW.seller_party_id <> OLD.seller_party_id"
            " OR NEW.issue_year <> OLD.issue_year"
        ),
        ("number_sequence", "delete"): "OLD.last_number > 0",
    }
    for table in ("invoice_line", "invoice_line_segment"):
        for action, rows in (("insert", "NEW"), ("update", "OLD NEW"), ("delete", "OLD")):
            ids = ", ".join(f"{row}.invoice_id" for row in rows.split())
            conditions[table, action] = (
                f"EXISTS (SELECT 1 FROM invoice WHERE invoice_id IN ({ids}) AND status <> 'draft')"  # noqa: S608 (our names)
            )
    return conditions


def _create_sqlite(table: str, action: str, condition: str) -> None:
    # IS DISTINCT FROM came to SQLite in 3.39; IS NOT says the same in every version
    condition = condition.replace("IS DISTINCT FROM", "IS NOT")
    op.execute(
        f"CREATE TRIGGER {table}_{action}_refused BEFORE {action.upper()} ON {table} FOR EACH ROW "
        f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{_refusal(table)}'); END"
    )


def _create_postgresql(table: str, action: str, condition: str) -> None:
    # a trigger's WHEN may hold no subquery there, so the condition stands in the function
    op.execute(
        f"CREATE FUNCTION {table}_{action}_refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{_refusal(table)}' USING ERRCODE = 'restrict_violation'; END IF; "
        f"RETURN COALESCE(NEW, OLD); END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_{action}_refused BEFORE {action.upper()} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_{action}_refused()"
    )


def _refusal(table: str) -> str:
    return GAP if table == "number_sequence" else REFUSAL
