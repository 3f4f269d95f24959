"""The two formats a partner gets: Parquet with exact types, CSV that a spreadsheet cannot run.

Belongs here: writing one relation to one file. Does not belong here: which rows, or where the file goes.
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_RUNNABLE = r"^[=+\-@\t\r]"
"""A spreadsheet takes text that starts so for a formula (OWASP, CWE-1236); a leading apostrophe makes it text again."""


def write_parquet(connection: duckdb.DuckDBPyConnection, *, relation: str, path: Path) -> None:
    """Zstandard, page checksums, the same bytes for the same rows."""
    import pyarrow.parquet as pq

    table = connection.sql(f"select * from {relation}").to_arrow_table()
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, version="2.6")


def write_csv(connection: duckdb.DuckDBPyConnection, *, relation: str, path: Path) -> None:
    """Header, comma, UTF-8, times as ISO 8601 in UTC; text that would run as a formula is made plain."""
    columns = connection.execute("select column_name, column_type from (describe " + relation + ")").fetchall()
    selected = ", ".join(_neutralised(name) if kind == "VARCHAR" else f'"{name}"' for name, kind in columns)
    target = str(path).replace("'", "''")
    connection.execute(
        f"copy (select {selected} from {relation}) to '{target}' "
        "(format csv, header true, timestampformat '%Y-%m-%dT%H:%M:%S.%fZ')"
    )


def _neutralised(column: str) -> str:
    return f"""if(regexp_matches("{column}", '{_RUNNABLE}'), '''' || "{column}", "{column}") as "{column}\""""
