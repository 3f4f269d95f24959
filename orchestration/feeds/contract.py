"""The one promise every feed makes: a partner's files hold that partner's rows only.

Belongs here: looking for foreign rows and foreign ids in a file as written.
Does not belong here: the filter that should have kept them out (publication); this reads the file, not the query.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def find_foreign_rows(path: Path, *, party_id: str, others: Collection[str]) -> str:
    """A sentence about the first foreign row or id in the file, empty when there is none.

    `others` are the other parties of the same audience: none of their ids may stand in any text of the file.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, page_checksum_verification=True)
    foreign = [str(owner) for owner in pc.unique(table["party_id"]).to_pylist() if owner != party_id]
    if foreign:
        return f"{path.name} holds rows of {', '.join(sorted(foreign))}"
    strangers = pa.array(sorted(others), pa.string())
    for field in table.schema:
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            found = pc.any(pc.is_in(table[field.name].cast(pa.string()), value_set=strangers)).as_py()
            if found:
                return f"{path.name} names another party in column {field.name}"
    return ""
