"""The daily build: everything that is not partitioned and is not an invoice, in one run."""

import dagster as dg

from orchestration.asset_keys import (
    INVOICE_CORRECTIONS,
    INVOICE_DRAFTS,
    INVOICES_APPROVED,
    INVOICES_ISSUED,
    LANDED,
    MESSAGE,
    READING,
)

_BORDER_IN = [
    dg.AssetCheckKey(MESSAGE, "landed_messages_keep_their_promises"),
    dg.AssetCheckKey(READING, "landed_readings_keep_their_promises"),
]

warehouse_build = dg.define_asset_job(
    "warehouse_build",
    # Landed tables are partitioned by site and day and have their own job; a job takes one partitioning. Their border
    # checks are here, and block what stands on them.
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(
        *LANDED.values(), INVOICE_DRAFTS, INVOICES_APPROVED, INVOICES_ISSUED, INVOICE_CORRECTIONS
    )
    | dg.AssetSelection.checks(*_BORDER_IN),
    description="Mappings, reference tables, dbt, predictions, serving copy and feeds; everything but invoices.",
)

warehouse_build_daily = dg.ScheduleDefinition(
    name="warehouse_build_daily",
    job=warehouse_build,
    cron_schedule="30 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
