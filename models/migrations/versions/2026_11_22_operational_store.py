"""The operational store's tables: ISA-95 resources, contracts, invoices, number sequences.

Revision ID: 2026_11_22_operational_store
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_operational_store"
down_revision = None
branch_labels = None
depends_on = None

# The column types as they were on this day; models.orm may change, a migration may not.
EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "party",
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("party_role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("vat_identifier", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("bic", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "party_role IN ('oem', 'operator', 'supplier', 'customer')", name=op.f("ck_party_party_role")
        ),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_party")),
    )
    op.create_table(
        "contract",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seller_party_id", sa.Text(), nullable=False),
        sa.Column("buyer_party_id", sa.Text(), nullable=False),
        sa.Column("currency_code", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("billing_period", sa.Text(), nullable=False),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("tax_category", sa.Text(), nullable=False),
        sa.Column("tax_rate_percent", EXACT, nullable=False),
        sa.Column("tax_exemption_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("billing_period IN ('month')", name=op.f("ck_contract_billing_period")),
        sa.ForeignKeyConstraint(["buyer_party_id"], ["party.party_id"], name=op.f("fk_contract_buyer_party_id")),
        sa.ForeignKeyConstraint(["seller_party_id"], ["party.party_id"], name=op.f("fk_contract_seller_party_id")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_contract")),
    )
    op.create_table(
        "material_definition",
        sa.Column("material_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("material_type", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("supplier_party_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "material_type IN ('raw', 'component', 'finished')", name=op.f("ck_material_definition_material_type")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_party_id"], ["party.party_id"], name=op.f("fk_material_definition_supplier_party_id")
        ),
        sa.PrimaryKeyConstraint("material_id", name=op.f("pk_material_definition")),
    )
    op.create_table(
        "number_sequence",
        sa.Column("seller_party_id", sa.Text(), nullable=False),
        sa.Column("issue_year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("last_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_party_id"], ["party.party_id"], name=op.f("fk_number_sequence_seller_party_id")
        ),
        sa.PrimaryKeyConstraint("seller_party_id", "issue_year", name=op.f("pk_number_sequence")),
    )
    op.create_table(
        "physical_asset",
        sa.Column("physical_asset_id", sa.Text(), nullable=False),
        sa.Column("serial_number", sa.Text(), nullable=False),
        sa.Column("equipment_class", sa.Text(), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("manufacturer_party_id", sa.Text(), nullable=False),
        sa.Column("commissioned_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["manufacturer_party_id"], ["party.party_id"], name=op.f("fk_physical_asset_manufacturer_party_id")
        ),
        sa.PrimaryKeyConstraint("physical_asset_id", name=op.f("pk_physical_asset")),
    )
    op.create_table(
        "site",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("enterprise_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("operator_party_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operator_party_id"], ["party.party_id"], name=op.f("fk_site_operator_party_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_site")),
    )
    op.create_table(
        "contract_asset",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("physical_asset_id", sa.Text(), nullable=False),
        sa.Column("covered_from_date", sa.Date(), nullable=False),
        sa.Column("covered_until_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.contract_id"], name=op.f("fk_contract_asset_contract_id")),
        sa.ForeignKeyConstraint(
            ["physical_asset_id"],
            ["physical_asset.physical_asset_id"],
            name=op.f("fk_contract_asset_physical_asset_id"),
        ),
        sa.PrimaryKeyConstraint("contract_id", "physical_asset_id", name=op.f("pk_contract_asset")),
    )
    op.create_table(
        "contract_term",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("term_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=True),
        sa.Column("quantity_unit_code", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.contract_id"], name=op.f("fk_contract_term_contract_id")),
        sa.PrimaryKeyConstraint("contract_id", "term_id", name=op.f("pk_contract_term")),
    )
    op.create_table(
        "equipment",
        sa.Column("equipment_id", sa.Text(), nullable=False),
        sa.Column("equipment_level", sa.Text(), nullable=False),
        sa.Column("parent_equipment_id", sa.Text(), nullable=True),
        sa.Column("site_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("equipment_class", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "equipment_level IN ('enterprise', 'site', 'area', 'work_center', 'work_unit')",
            name=op.f("ck_equipment_equipment_level"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_equipment_id"], ["equipment.equipment_id"], name=op.f("fk_equipment_parent_equipment_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name=op.f("fk_equipment_site_id")),
        sa.PrimaryKeyConstraint("equipment_id", name=op.f("pk_equipment")),
    )
    op.create_table(
        "invoice",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("physical_asset_id", sa.Text(), nullable=False),
        sa.Column("billing_period", sa.Text(), nullable=False),
        sa.Column("period_start_at", INSTANT, nullable=False),
        sa.Column("period_end_at", INSTANT, nullable=False),
        sa.Column("seller_party_id", sa.Text(), nullable=False),
        sa.Column("buyer_party_id", sa.Text(), nullable=False),
        sa.Column("currency_code", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("tax_category", sa.Text(), nullable=False),
        sa.Column("tax_rate_percent", EXACT, nullable=False),
        sa.Column("tax_exemption_reason", sa.Text(), nullable=True),
        sa.Column("line_extension_amount", EXACT, nullable=False),
        sa.Column("tax_exclusive_amount", EXACT, nullable=False),
        sa.Column("tax_amount", EXACT, nullable=False),
        sa.Column("tax_inclusive_amount", EXACT, nullable=False),
        sa.Column("payable_amount", EXACT, nullable=False),
        sa.Column("preceding_invoice_number", sa.Text(), nullable=True),
        sa.Column("preceding_issued_on", sa.Date(), nullable=True),
        sa.Column("credit_reason", sa.Text(), nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("hold_reasons", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("previous_sha256", sa.Text(), nullable=True),
        sa.Column("invoice_sha256", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status = 'draft' OR (invoice_number IS NOT NULL AND issued_at IS NOT NULL AND issued_on IS NOT NULL "
            "AND (due_date IS NOT NULL) = (document_type = 'invoice') AND previous_sha256 IS NOT NULL "
            "AND invoice_sha256 IS NOT NULL)",
            name=op.f("ck_invoice_issued_is_complete"),
        ),
        sa.CheckConstraint(
            "document_type = 'invoice' AND preceding_invoice_number IS NULL AND preceding_issued_on IS NULL "
            "AND credit_reason IS NULL OR document_type = 'credit_note' AND preceding_invoice_number IS NOT NULL "
            "AND preceding_issued_on IS NOT NULL AND credit_reason IS NOT NULL",
            name=op.f("ck_invoice_credit_note_is_complete"),
        ),
        sa.CheckConstraint("document_type IN ('invoice', 'credit_note')", name=op.f("ck_invoice_document_type")),
        sa.CheckConstraint("status IN ('draft', 'issued', 'paid', 'void')", name=op.f("ck_invoice_status")),
        sa.ForeignKeyConstraint(["buyer_party_id"], ["party.party_id"], name=op.f("fk_invoice_buyer_party_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.contract_id"], name=op.f("fk_invoice_contract_id")),
        sa.ForeignKeyConstraint(
            ["physical_asset_id"], ["physical_asset.physical_asset_id"], name=op.f("fk_invoice_physical_asset_id")
        ),
        sa.ForeignKeyConstraint(["seller_party_id"], ["party.party_id"], name=op.f("fk_invoice_seller_party_id")),
        sa.ForeignKeyConstraint(
            ["preceding_invoice_number"],
            ["invoice.invoice_number"],
            name=op.f("fk_invoice_preceding_invoice_number"),
        ),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_invoice")),
        sa.UniqueConstraint(
            "contract_id",
            "physical_asset_id",
            "billing_period",
            "revision",
            "document_type",
            name=op.f("uq_invoice_revision"),
        ),
        sa.UniqueConstraint("invoice_number", name=op.f("uq_invoice_invoice_number")),
        sa.UniqueConstraint("preceding_invoice_number", name=op.f("uq_invoice_preceding_invoice_number")),
    )
    op.create_index(op.f("ix_invoice_billing_period"), "invoice", ["billing_period"], unique=False)
    op.create_table(
        "meter",
        sa.Column("meter_id", sa.Text(), nullable=False),
        sa.Column("physical_asset_id", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("modulus", EXACT, nullable=True),
        sa.ForeignKeyConstraint(
            ["physical_asset_id"], ["physical_asset.physical_asset_id"], name=op.f("fk_meter_physical_asset_id")
        ),
        sa.PrimaryKeyConstraint("meter_id", name=op.f("pk_meter")),
        sa.UniqueConstraint("physical_asset_id", "metric", name=op.f("uq_meter_physical_asset_id_metric")),
    )
    op.create_table(
        "process_segment",
        sa.Column("process_segment_id", sa.Text(), nullable=False),
        sa.Column("material_id", sa.Text(), nullable=False),
        sa.Column("equipment_class", sa.Text(), nullable=False),
        sa.Column("planned_run_time_per_item_s", EXACT, nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material_definition.material_id"], name=op.f("fk_process_segment_material_id")
        ),
        sa.PrimaryKeyConstraint("process_segment_id", name=op.f("pk_process_segment")),
    )
    op.create_table(
        "shift",
        sa.Column("shift_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("iso_weekdays", sa.Text(), nullable=False),
        sa.Column("start_local_time", sa.Text(), nullable=False),
        sa.Column("end_local_time", sa.Text(), nullable=False),
        sa.Column("break_start_local_time", sa.Text(), nullable=True),
        sa.Column("break_end_local_time", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name=op.f("fk_shift_site_id")),
        sa.PrimaryKeyConstraint("shift_id", name=op.f("pk_shift")),
    )
    op.create_table(
        "site_holiday",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("holiday_date", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name=op.f("fk_site_holiday_site_id")),
        sa.PrimaryKeyConstraint("site_id", "holiday_date", name=op.f("pk_site_holiday")),
    )
    op.create_table(
        "state_category",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("time_category", sa.Text(), nullable=False),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "attribution IN ('supplier', 'operator', 'planned')", name=op.f("ck_state_category_attribution")
        ),
        sa.CheckConstraint(
            "time_category IN ('production', 'setup', 'delay', 'down', 'planned_down', 'not_planned')",
            name=op.f("ck_state_category_time_category"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name=op.f("fk_state_category_site_id")),
        sa.PrimaryKeyConstraint("site_id", "state", name=op.f("pk_state_category")),
    )
    op.create_table(
        "asset_assignment",
        sa.Column("asset_assignment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("physical_asset_id", sa.Text(), nullable=False),
        sa.Column("work_unit_id", sa.Text(), nullable=False),
        sa.Column("assigned_from_at", INSTANT, nullable=False),
        sa.Column("assigned_until_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["physical_asset_id"],
            ["physical_asset.physical_asset_id"],
            name=op.f("fk_asset_assignment_physical_asset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["work_unit_id"], ["equipment.equipment_id"], name=op.f("fk_asset_assignment_work_unit_id")
        ),
        sa.PrimaryKeyConstraint("asset_assignment_id", name=op.f("pk_asset_assignment")),
    )
    op.create_index(
        op.f("ix_asset_assignment_physical_asset_id"), "asset_assignment", ["physical_asset_id"], unique=False
    )
    op.create_index(op.f("ix_asset_assignment_work_unit_id"), "asset_assignment", ["work_unit_id"], unique=False)
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("line_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("term_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", EXACT, nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("unit_price", EXACT, nullable=False),
        sa.Column("line_extension_amount", EXACT, nullable=False),
        sa.Column("metric", sa.Text(), nullable=True),
        sa.Column("quantity_flag", sa.Text(), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.invoice_id"], name=op.f("fk_invoice_line_invoice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("invoice_id", "line_number", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "invoice_line_segment",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("line_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_kind", sa.Text(), nullable=False),
        sa.Column("quantity", EXACT, nullable=False),
        sa.Column("modulus", EXACT, nullable=True),
        sa.Column("old_final_value", EXACT, nullable=True),
        sa.Column("new_start_value", EXACT, nullable=True),
        sa.Column("opening_at", INSTANT, nullable=False),
        sa.Column("opening_reading", EXACT, nullable=False),
        sa.Column("opening_unit_code", sa.Text(), nullable=False),
        sa.Column("opening_message_id", sa.Text(), nullable=False),
        sa.Column("opening_metric_index", sa.Integer(), nullable=False),
        sa.Column("opening_landed_file", sa.Text(), nullable=False),
        sa.Column("opening_file_row", sa.BigInteger(), nullable=False),
        sa.Column("opening_file_sha256", sa.Text(), nullable=False),
        sa.Column("closing_at", INSTANT, nullable=False),
        sa.Column("closing_reading", EXACT, nullable=False),
        sa.Column("closing_unit_code", sa.Text(), nullable=False),
        sa.Column("closing_message_id", sa.Text(), nullable=False),
        sa.Column("closing_metric_index", sa.Integer(), nullable=False),
        sa.Column("closing_landed_file", sa.Text(), nullable=False),
        sa.Column("closing_file_row", sa.BigInteger(), nullable=False),
        sa.Column("closing_file_sha256", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "segment_kind IN ('increase', 'rollover', 'replacement', 'held')",
            name=op.f("ck_invoice_line_segment_segment_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id", "line_number"],
            ["invoice_line.invoice_id", "invoice_line.line_number"],
            name=op.f("fk_invoice_line_segment_invoice_id_line_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("invoice_id", "line_number", "segment_number", name=op.f("pk_invoice_line_segment")),
    )


def downgrade() -> None:
    op.drop_table("invoice_line_segment")
    op.drop_table("invoice_line")
    op.drop_table("asset_assignment")
    op.drop_table("state_category")
    op.drop_table("site_holiday")
    op.drop_table("shift")
    op.drop_table("process_segment")
    op.drop_table("meter")
    op.drop_table("invoice")
    op.drop_table("equipment")
    op.drop_table("contract_term")
    op.drop_table("contract_asset")
    op.drop_table("site")
    op.drop_table("physical_asset")
    op.drop_table("number_sequence")
    op.drop_table("material_definition")
    op.drop_table("contract")
    op.drop_table("party")
