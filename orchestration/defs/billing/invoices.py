"""Drafts by the calendar, approval and invoices by a decision: three assets of a month each, a list of corrections.

`invoices_approve` and `invoices_issue` have no schedule and no automation condition, and nothing downstream of readings
selects them: a person starts them, here or by `lineshaft invoice approve` and `lineshaft invoice issue`.
"""

from datetime import date

import dagster as dg

from orchestration.asset_keys import INVOICE_CORRECTIONS, INVOICE_DRAFTS, INVOICES_APPROVED, INVOICES_ISSUED, operations
from orchestration.billing import DraftReport, draft_invoices, issue_invoices
from orchestration.billing.corrections import find_corrections
from orchestration.billing.readiness import WaitingKind
from orchestration.billing.steps import approve_drafts
from orchestration.partitions import BILLING_PERIODS, previous_billing_period
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.transform.invocation import DbtSession

_MARTS = [
    dg.AssetKey(["billing", table])
    for table in ("fct_metered_usage_per_month", "fct_metered_segments", "fct_availability_per_month")
]


_CHECK_OF_KIND: dict[WaitingKind, str] = {
    "not_collected": "every_asset_is_collected_past_the_period",
    "below_completeness": "completeness_is_what_the_contract_asks",
    "not_rated": "every_contract_can_be_rated",
}


class ApprovalConfig(dg.Config):
    """Who approves."""

    approved_by: str


class IssueConfig(dg.Config):
    """The date on the invoices; by default today."""

    issued_on: str | None = None


READINESS = {
    "every_asset_is_collected_past_the_period": "Every asset has told something after the end of the period.",
    "completeness_is_what_the_contract_asks": "Of no asset is less of the period known than its contract asks for.",
    "every_contract_can_be_rated": "Every contract's terms can be applied to the whole of the period.",
    "no_usage_is_held": "No reading waits for a decision, and every metered term has readings.",
    "checks_of_metering_are_green": "dbt's own tests of the marts that are billed from hold now.",
}
"""What must hold before invoices are issued; each blocks by itself and names its reasons."""


@dg.asset(
    key=INVOICE_DRAFTS,
    group_name="billing",
    deps=[*_MARTS, operations("contract")],
    partitions_def=BILLING_PERIODS,
    check_specs=[
        dg.AssetCheckSpec(name, asset=INVOICE_DRAFTS, blocking=True, description=description)
        for name, description in READINESS.items()
    ],
    pool=WAREHOUSE_POOL,
)
def invoice_drafts(
    context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment], dbt: dg.ResourceParam[DbtSession]
) -> Materialized:
    """Rate every contract and asset of the month; drawing again replaces what changed. In doubt nothing is drawn."""
    red = _find_red_checks(dbt)
    report = None if red else draft_invoices(deployment, context.partition_key)
    waiting = _sort_reasons(report) | {"checks_of_metering_are_green": red}
    return Materialized(
        metadata={
            "dagster/partition_row_count": len(report.outcomes) if report else 0,
            "waiting": sum(len(reasons) for reasons in waiting.values()),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=name,
                passed=not waiting.get(name),
                metadata={"waiting": waiting.get(name) or {}},
            )
            for name in READINESS
        ],
    )


def _find_red_checks(dbt: DbtSession) -> dict[str, list[str]]:
    """The tests of the billed marts that do not hold, with what dbt says of each."""
    result = dbt.test(select=" ".join(key.path[-1] for key in _MARTS))
    if result.exception is not None:
        return {"dbt": [str(result.exception)]}
    return {node.unique_id.split(".")[2]: [node.message] for node in result.nodes if node.status in {"fail", "error"}}


def _sort_reasons(report: DraftReport | None) -> dict[str, dict[str, list[str]]]:
    """By check, then by invoice."""
    found: dict[str, dict[str, list[str]]] = {}
    for blocked in report.blocked if report else ():
        for kind, reason in zip(blocked.kinds, blocked.reasons, strict=True):
            check = _CHECK_OF_KIND[kind]
            found.setdefault(check, {})[f"{blocked.contract_id} {blocked.physical_asset_id}"] = [reason]
    for outcome in report.outcomes if report else ():
        if outcome.hold_reasons:
            found.setdefault("no_usage_is_held", {})[outcome.invoice_id] = list(outcome.hold_reasons)
    return found


@dg.asset(key=INVOICES_APPROVED, group_name="billing", deps=[INVOICE_DRAFTS], partitions_def=BILLING_PERIODS)
def invoices_approved(
    context: dg.AssetExecutionContext, config: ApprovalConfig, deployment: dg.ResourceParam[Deployment]
) -> Materialized:
    """Approve the drafts of the month as they stand, in somebody's name; one that changes is a draft again."""
    report = approve_drafts(deployment, context.partition_key, approved_by=config.approved_by)
    return Materialized(
        metadata={
            "dagster/partition_row_count": len(report.approved),
            "approved_by": config.approved_by,
            "withheld": {f"{one.contract_id} {one.physical_asset_id}": list(one.reasons) for one in report.blocked},
        }
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


@dg.asset(key=INVOICE_CORRECTIONS, group_name="billing", deps=[*_MARTS, INVOICES_ISSUED], pool=WAREHOUSE_POOL)
def invoice_corrections(deployment: dg.ResourceParam[Deployment]) -> Materialized:
    """List every issued invoice that is rated otherwise today, and draw what replaces those credited already."""
    report = find_corrections(deployment)
    return Materialized(
        metadata={
            "dagster/row_count": len(report.corrections),
            "billing_periods": list(report.billing_periods),
            "differs": {one.invoice_id: list(one.differences) for one in report.corrections},
            "drawn": list(report.drawn),
        }
    )


invoices_draft = dg.define_asset_job(
    "invoices_draft",
    selection=dg.AssetSelection.assets(INVOICE_DRAFTS),
    description="Draw the drafts of one month.",
)
invoices_approve = dg.define_asset_job(
    "invoices_approve",
    selection=dg.AssetSelection.assets(INVOICES_APPROVED),
    description="Approve the drafts of one month, in the name of whoever starts it.",
)
invoices_issue = dg.define_asset_job(
    "invoices_issue",
    selection=dg.AssetSelection.assets(INVOICES_ISSUED),
    description="Issue the drafts of one month. This is final: numbers are drawn and documents sealed.",
)

invoices_correct = dg.define_asset_job(
    "invoices_correct",
    selection=dg.AssetSelection.assets(INVOICE_CORRECTIONS),
    description="Rate every billed month again and list what was issued otherwise. Nothing is credited or issued.",
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
