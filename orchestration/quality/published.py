"""The border out: what a partner's files must be, read as a partner would read them.

Belongs here: completeness, ownership and the promised columns of a published feed.
Does not belong here: the numbers themselves (dbt tests on the feed model).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from orchestration.quality.expectations import Verdict, library, validate_frame


def check_published_feed(*, directory: Path, model: str) -> Verdict:
    """Check every partner's files of a feed against their manifest and the partner's id."""
    audience, feed = model.removeprefix("feed_").split("__", maxsplit=1)
    verdict = Verdict(expectation_count=0, broken=())
    for place in sorted((directory / audience).glob(f"*/{feed}")):
        verdict += _check_one(place, feed=feed, party_id=place.parent.name)
    return verdict


def _check_one(place: Path, *, feed: str, party_id: str) -> Verdict:
    gxe = library().expectations
    import pandas as pd

    manifest: dict[str, Any] = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    altered = tuple(
        f"{party_id}/{feed}/{file['name']}: not the bytes the manifest names"
        for file in manifest["files"]
        if hashlib.sha256((place / file["name"]).read_bytes()).hexdigest() != file["sha256"]
    )
    names = [column["name"] for column in manifest["columns"]]
    parquet = pd.read_parquet(place / f"{feed}.parquet")
    table = pd.read_csv(place / f"{feed}.csv", dtype=str, keep_default_na=False)
    expectations = [
        gxe.ExpectTableColumnsToMatchOrderedList(column_list=names),
        gxe.ExpectTableRowCountToEqual(value=manifest["row_count"]),
        gxe.ExpectColumnValuesToNotBeNull(column="party_id"),
        gxe.ExpectColumnValuesToBeInSet(column="party_id", value_set=[party_id]),
    ]
    runnable = [gxe.ExpectColumnValuesToNotMatchRegex(column=name, regex=r"^[=+@\t\r]|^-[^0-9.]") for name in names]
    found = validate_frame(parquet, name=f"{party_id}_{feed}_parquet", expectations=expectations)
    found += validate_frame(table, name=f"{party_id}_{feed}_csv", expectations=[*expectations, *runnable])
    broken = tuple(f"{party_id}/{feed}: {sentence}" for sentence in found.broken)
    return Verdict(expectation_count=found.expectation_count + len(manifest["files"]), broken=altered + broken)
