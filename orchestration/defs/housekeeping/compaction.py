"""Compaction and retention of the landing zone, once a day before the build."""

import dagster as dg

from orchestration.automation import RETRY_BRIEFLY
from orchestration.keeping import keep_landing
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL


@dg.op(pool=WAREHOUSE_POOL, retry_policy=RETRY_BRIEFLY)
def merge_and_expire(context: dg.OpExecutionContext, deployment: dg.ResourceParam[Deployment]) -> None:
    """Merge small landed files, let go of what is past its time; fails when a file is not what its manifest says."""
    report = keep_landing(deployment)
    context.log.info("%s", report)
    if report.compaction.faults:
        raise dg.Failure(
            description="Landed files are not what their manifests say: restore them from a backup.",
            metadata={fault.file.path: f"{fault.reason}: {fault.detail}" for fault in report.compaction.faults},
            allow_retries=False,
        )


@dg.job(description="Merge small landed files, bind old manifests, let go of what is past its time.")
def landing_compact() -> None:
    """One step; safe beside a collector and at any kill."""
    merge_and_expire()


landing_compact_daily = dg.ScheduleDefinition(
    name="landing_compact_daily",
    job=landing_compact,
    cron_schedule="0 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
