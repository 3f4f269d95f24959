"""The code location: everything below `defs/`. What `dagster dev`, `dg` and the embedded build load."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Definitions by concept, found by their folders."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
