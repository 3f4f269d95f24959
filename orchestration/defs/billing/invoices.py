"""Drafts by the calendar, invoices by a decision: two assets of one month each, two jobs, one schedule.

`invoices_issue` has no schedule and no automation condition, and nothing downstream of readings selects it: a person
starts it, here or by `lineshaft invoice issue`.
"""

from datetime import date

import dagster as dg

from orchestration.asset_keys import INVOICE_DRAFTS, INVOICES_ISSUED, operations
from orchestration.billing import draft_invoices, issue_invoices
from orchestration.partitions import BILLING_PERIODS, previous_billing_period
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL

_MARTS = [
    dg.AssetKey(["billing", table])
    for table in ("fct_metered_usage_per_month", "fct_metered_segments", "fct_availability_per_month")
]


class IssueConfig(dg.Config):
    """The date on the invoices; by default today."""

    issued_on: str | None = None


@dg.asset(
    key=INVOICE_DRAFTS,
    group_name="billing",
    deps=[*_MARTS, operations("contract")],
    partitions_def=BILLING_PERIODS,
    check_specs=[
        dg.AssetCheckSpec(
            "usage_is_complete_and_nothing_is_held",
            asset=INVOICE_DRAFTS,
            blocking=True,
            description="Every site is collected past the end of the period, and no reading waits for a decision.",
        )
    ],
    pool=WAREHOUSE_POOL,
)
def invoice_drafts(context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment]) -> Materialized:
    """Rate every contract and asset of the month; drawing again replaces what changed."""
    report = draft_invoices(deployment, context.partition_key)
    waiting = {f"{one.contract_id} {one.physical_asset_id}": list(one.reasons) for one in report.blocked}
    waiting |= {one.invoice_id: list(one.hold_reasons) for one in report.outcomes if one.hold_reasons}
    return Materialized(
        metadata={"dagster/partition_row_count": len(report.outcomes), "waiting": len(waiting)},
        check_results=[
            dg.AssetCheckResult(
                check_name="usage_is_complete_and_nothing_is_held", passed=not waiting, metadata={"waiting": waiting}
            )
        ],
    )


@dg.asset(key=INVOICES_ISSUED, group_name="billing", deps=[INVOICE_DRAFTS], partitions_def=BILLING_PERIODS)
def invoices_issued(
    context: dg.AssetExecutionContext, config: IssueConfig, deployment: dg.ResourceParam[Deployment]
) -> Materialized:
    """Number, seal and document the drafts of the month; what is issued already stays as it is."""
    issued_on = date.fromisoformat(config.issued_on) if config.issued_on else None
    report = issue_invoices(deployment, context.partition_key, issued_on=issued_on)
    return Materialized(
        metadata={
            "dagster/partition_row_count": len(report.issued),
            "new": sum(one.invoice.is_new for one in report.issued),
            "withheld": {f"{one.contract_id} {one.physical_asset_id}": list(one.reasons) for one in report.blocked},
            "path": dg.MetadataValue.path(deployment.invoices),
        }
    )


invoices_draft = dg.define_asset_job(
    "invoices_draft",
    selection=dg.AssetSelection.assets(INVOICE_DRAFTS),
    partitions_def=BILLING_PERIODS,
    description="Draw the drafts of one month.",
)
invoices_issue = dg.define_asset_job(
    "invoices_issue",
    selection=dg.AssetSelection.assets(INVOICES_ISSUED),
    partitions_def=BILLING_PERIODS,
    description="Issue the drafts of one month. This is final: numbers are drawn and documents sealed.",
)


@dg.schedule(
    job=invoices_draft,
    cron_schedule="0 6 2 * *",  # by then the month is over in every zone, and a day's backfill has arrived
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def invoices_draft_monthly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The month that ended two days ago."""
    billing_period = previous_billing_period(context.scheduled_execution_time)
    return dg.RunRequest(run_key=billing_period, partition_key=billing_period)
