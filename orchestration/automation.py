"""When things are said to be late, and how often they are tried again.

Belongs here: named policies that definitions share.
Does not belong here: schedules and sensors, which stand beside what they start.

Nothing here starts a run by itself: data moves on manifests and on the daily build, money on a clock and an approval.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

FRESH_WITHIN_A_DAY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))
"""The daily build takes minutes; two hours of grace before a warning, six before a failure."""

RETRY_BRIEFLY = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)
"""For what another process may hold for a moment (the warehouse file, a full disk); never for a rule that failed."""
