"""The value behind a landed reading, as its sender would say it.

Belongs here: the way back from the three value columns. Does not belong here: reading payloads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INTEGERS = frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "DateTime"})
FLOATS = frozenset({"Float", "Double"})


def held_value(row: Mapping[str, Any]) -> Any:
    """By the datatype alone: whatever stands in another column than the datatype's is not what was said."""
    datatype, text = row["datatype"], row["value_text"]
    if datatype in INTEGERS:
        return None if row["value_decimal"] is None else int(row["value_decimal"])
    if datatype in FLOATS:
        return row["value_double"]
    if datatype == "Boolean":
        return {"true": True, "false": False, None: None}[text]
    if datatype in {"DataSet", "Template"} or datatype.endswith("Array"):
        return None if text is None else json.loads(text)
    return text
