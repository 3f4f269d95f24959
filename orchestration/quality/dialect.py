"""DuckDB for Great Expectations: no transaction control, so a pending result survives the close.

Great Expectations fetches rows after it has closed the connection; the rollback of that close discards DuckDB's
result. A dialect that does nothing there cures it. The dialect makes nothing read-only;
`access_mode=read_only` in the URL does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duckdb_sqlalchemy import Dialect
from sqlalchemy.dialects import registry


class AutocommitDuckDB(Dialect):
    """Every statement stands alone."""

    driver = "autocommit"
    supports_statement_cache = True

    def _leave_alone(self, dbapi_connection: Any) -> None:
        """A rollback would drop the rows Great Expectations has not fetched yet."""

    do_begin = do_commit = do_rollback = _leave_alone


def read_only_url(path: Path) -> str:
    """The URL of a DuckDB file that is only read; no other connection of this process may have it open."""
    registry.register("duckdb.autocommit", __name__, "AutocommitDuckDB")
    return f"duckdb+autocommit:///{path}?access_mode=read_only"
