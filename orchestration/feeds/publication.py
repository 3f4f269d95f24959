"""One feed model into one directory for each partner: Parquet, CSV and a manifest, swapped in whole.

Belongs here: who gets a directory, writing it beside the old one, proving that it holds no foreign row, the swap.
Does not belong here: what a feed says (dbt, schema feeds), or how files reach a partner.

    feeds/<audience>/<party_id>/<feed>            a link to the generation that is valid now
    feeds/<audience>/<party_id>/.<feed>.<digest>  that generation: <feed>.parquet, <feed>.csv, manifest.json

The link is replaced in one step, so a reader finds all files of one generation. A partner without rows gets empty
files, so that nothing and nobody are told apart. Files of a partner who left are removed.
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.errors import BuildError
from orchestration.feeds.contract import find_foreign_rows
from orchestration.feeds.files import write_csv, write_parquet
from orchestration.warehouse.schema import sync_directory

if TYPE_CHECKING:
    import duckdb

_SLUG = re.compile(r"[a-z0-9_-]{1,40}")
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class PartyFeed:
    """What one partner finds now."""

    party_id: str
    path: Path
    row_count: int
    is_new: bool


def publish_feed(
    connection: duckdb.DuckDBPyConnection, *, model: str, directory: Path, now: datetime | None = None
) -> tuple[PartyFeed, ...]:
    """Write `feeds.<model>` for every party of its audience; unchanged content keeps its files.

    Raises:
        BuildError: a row belongs to nobody of the audience, or a written file holds a foreign row.
    """
    audience, feed = model.removeprefix("feed_").split("__", maxsplit=1)
    parties = [
        party_id
        for (party_id,) in connection.execute(
            "select party_id from operations.party where party_role = ? order by party_id", [audience]
        ).fetchall()
    ]
    _refuse_strangers(connection, model=model, audience=audience, parties=parties)
    as_of = connection.execute("select max(received_at) from raw.message").fetchone()
    published = []
    for party_id in parties:
        place = directory / audience / party_id
        place.mkdir(parents=True, exist_ok=True)
        fresh = place / f".{feed}.{uuid.uuid4().hex}.tmp"
        try:
            manifest = _write(connection, model=model, feed=feed, party_id=party_id, directory=fresh)
            manifest |= {"audience": audience, "as_of": _iso(as_of[0]) if as_of else None}
            foreign = find_foreign_rows(fresh / f"{feed}.parquet", party_id=party_id, others=set(parties) - {party_id})
            if foreign:
                raise BuildError(f"{model} for {party_id} is not published: {foreign}.")
            published.append(_swap(place, feed=feed, fresh=fresh, manifest=manifest, now=now or datetime.now(UTC)))
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    _remove_former(directory / audience, feed=feed, parties=set(parties))
    return tuple(published)


def _refuse_strangers(connection: duckdb.DuckDBPyConnection, *, model: str, audience: str, parties: list[str]) -> None:
    query = (
        f'select distinct party_id from feeds."{model}" where party_id is null or not list_contains($known, party_id)'
    )
    strangers = [str(party_id) for (party_id,) in connection.execute(query, {"known": parties}).fetchall()]
    strangers += [party_id for party_id in parties if not _SLUG.fullmatch(party_id)]
    if strangers:
        raise BuildError(
            f"{model} is not published: {', '.join(sorted(strangers))} is no {audience} among the parties."
        )


def _write(
    connection: duckdb.DuckDBPyConnection, *, model: str, feed: str, party_id: str, directory: Path
) -> dict[str, Any]:
    directory.mkdir()
    connection.execute(
        f'create or replace temp table feed as select * from feeds."{model}" where party_id = ? order by all',
        [party_id],
    )
    write_parquet(connection, relation="feed", path=directory / f"{feed}.parquet")
    write_csv(connection, relation="feed", path=directory / f"{feed}.csv")
    row_count = connection.execute("select count(*) from feed").fetchall()[0][0]
    columns = connection.execute("select column_name, column_type from (describe feed)").fetchall()
    connection.execute("drop table feed")
    return {
        "version": 1,
        "feed": feed,
        "party_id": party_id,
        "row_count": row_count,
        "columns": [{"name": name, "type": kind} for name, kind in columns],
        "files": [
            {
                "name": path.name,
                "format": path.suffix.removeprefix("."),
                "row_count": row_count,
                "size_bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(directory.iterdir())
        ],
    }


def _swap(place: Path, *, feed: str, fresh: Path, manifest: dict[str, Any], now: datetime) -> PartyFeed:
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
    link, generation = place / feed, place / f".{feed}.{digest}"
    is_new = not (link.is_symlink() and link.readlink() == Path(generation.name) and (link / MANIFEST).is_file())
    if is_new:
        content = {**manifest, "published_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        (fresh / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        for path in (*fresh.iterdir(), fresh):
            _sync(path)
        shutil.rmtree(generation, ignore_errors=True)  # the debris of a publication that was cut short
        fresh.rename(generation)
        pointer = place / f".{feed}.{uuid.uuid4().hex}.link"
        pointer.symlink_to(generation.name)
        pointer.replace(link)
        sync_directory(place)
        _remove_generations(place, feed=feed, keep={generation.name})
    return PartyFeed(party_id=manifest["party_id"], path=link, row_count=manifest["row_count"], is_new=is_new)


def _remove_generations(place: Path, *, feed: str, keep: set[str]) -> None:
    for path in place.glob(f".{feed}.*"):
        if path.name in keep:
            continue
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)


def _remove_former(audience: Path, *, feed: str, parties: set[str]) -> None:
    if not audience.is_dir():
        return
    for place in audience.iterdir():
        if place.name not in parties and (place / feed).is_symlink():
            (place / feed).unlink()
            _remove_generations(place, feed=feed, keep=set())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()}Z"
