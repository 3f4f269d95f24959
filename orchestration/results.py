"""What an asset's function returns, under a name that Dagster and the type checker both accept.

Belongs here: this one alias. Dagster 1.13 reads the annotation at run time and knows the bare class only; the checker
wants its type parameter, and our assets hand on no value: they write and report.
"""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    Materialized = dg.MaterializeResult[None]
else:
    Materialized = dg.MaterializeResult
