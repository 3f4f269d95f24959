"""The rating run as an asset: what every contract comes to today, landed for the marts of revenue.

It is part of the daily build and issues nothing: a rating is a number, not a document.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.asset_keys import RATED, operations
from orchestration.automation import FRESH_WITHIN_A_DAY
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL

_MARTS = [
    dg.AssetKey(["billing", table])
    for table in ("fct_metered_usage_per_month", "fct_metered_segments", "fct_availability_per_month")
]


@dg.multi_asset(
    name="rating_run",
    specs=[
        dg.AssetSpec(
            key,
            deps=[*_MARTS, operations("contract")],
            group_name="rating",
            kinds={"duckdb"},
            freshness_policy=FRESH_WITHIN_A_DAY,
        )
        for key in RATED.values()
    ],
    pool=WAREHOUSE_POOL,
)
def rating_run(deployment: dg.ResourceParam[Deployment]) -> Iterator[Materialized]:
    """Rate every month of every contract from the usage so far, and land it beside the invoices of the store."""
    from orchestration.billing.rated_rows import land_rating

    landed = land_rating(deployment)
    held = [one for one in landed.run.periods if one.is_held]
    waiting = [one for one in landed.run.periods if one.waiting]
    for table, key in RATED.items():
        metadata: dict[str, Any] = {"dagster/row_count": landed.row_counts[table]}
        if table == "rated_period":
            totals = {currency: str(money.amount) for currency, money in landed.run.totals.items()}
            metadata |= {
                "as_of": str(landed.run.rated_as_of_at),
                "held": len(held),
                "waiting": len(waiting),
                "unrated": [one.reason for one in landed.run.unrated],
                "totals": totals,
            }
        yield Materialized(asset_key=key, metadata=metadata)
