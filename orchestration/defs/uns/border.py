"""The border in, as asset checks: what lands keeps the collector's promises, or nothing is built upon it.

They block, because invoices stand on readings; and they are no part of landing_load, because they read all rows once.
"""

import dagster as dg

from orchestration.asset_keys import MESSAGE, READING
from orchestration.quality.landed import check_landed_messages, check_landed_readings
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL


@dg.asset_check(asset=MESSAGE, blocking=True, pool=WAREHOUSE_POOL)
def landed_messages_keep_their_promises(deployment: dg.ResourceParam[Deployment]) -> dg.AssetCheckResult:
    """Great Expectations on raw.message: identified, typed, dated, no id twice."""
    verdict = check_landed_messages(deployment.warehouse_path)
    return dg.AssetCheckResult(passed=verdict.is_met, metadata=verdict.as_metadata())


@dg.asset_check(asset=READING, additional_deps=[MESSAGE], blocking=True, pool=WAREHOUSE_POOL)
def landed_readings_keep_their_promises(deployment: dg.ResourceParam[Deployment]) -> dg.AssetCheckResult:
    """Great Expectations on raw.reading: of a known message, once, dated, exact where it is a count."""
    verdict = check_landed_readings(deployment.warehouse_path)
    return dg.AssetCheckResult(passed=verdict.is_met, metadata=verdict.as_metadata())
