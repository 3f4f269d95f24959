"""What leaves the house on a word from the command line: partner feeds and the serving copy, outside a build.

Belongs here: opening the warehouse for them, and saying what must be built first. Does not belong here: writing files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration.errors import NotReadyError

if TYPE_CHECKING:
    import duckdb

    from orchestration.serving.copy import Publication
    from orchestration.settings import Deployment

FEEDS = ("feed_customer__order_progress", "feed_oem__machine_usage", "feed_supplier__component_quality")


@contextmanager
def marts(deployment: Deployment) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built warehouse, to read.

    Raises:
        NotReadyError: nothing has been built yet, a build is writing at this moment, or the file is no warehouse.
    """
    import duckdb

    from orchestration.warehouse.schema import why_not_opened

    if not deployment.warehouse_path.exists():
        raise NotReadyError("There is no warehouse yet; run `lineshaft build` first.")
    try:
        connection = duckdb.connect(str(deployment.warehouse_path), read_only=True)
    except duckdb.IOException as error:
        raise NotReadyError(why_not_opened(deployment.warehouse_path, error)) from error
    try:
        connection.execute("select 1 from core.dim_site limit 0")  # a warehouse that is loaded but not yet modelled
        yield connection
    except duckdb.CatalogException as error:
        raise NotReadyError("The warehouse holds no marts yet; run `lineshaft build` first.") from error
    finally:
        connection.close()


def publish_marts(deployment: Deployment) -> Publication:
    """The serving copy, brought up to date with the warehouse as it stands."""
    from orchestration.serving.copy import publish_serving_copy

    with marts(deployment):
        pass
    return publish_serving_copy(warehouse=deployment.warehouse_path, serving=deployment.serving)
