"""Whether anything that a build depends on has changed since the last one that succeeded.

Belongs here: what counts as an input, what counts as an output, and the record of a completed build.
Does not belong here: building.

The record lies in the warehouse, so it is lost together with what it describes. Inputs: committed batches,
configuration, the dbt project, our own code and the libraries that compute. A landed file that was
set aside is an input too: a copy restored from backup starts the next build. What is recorded are the inputs as they
were when the build began: a batch that lands while it runs is news to the next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.serving.copy import FILE_NAME
from orchestration.settings import Deployment
from orchestration.transform.project import fingerprint_project
from orchestration.warehouse.landed import fingerprint_landing
from orchestration.warehouse.schema import open_warehouse

if TYPE_CHECKING:
    import duckdb

_CODE = Path(__file__).parents[1]
_PACKAGES = ("ingest", "models", "ml", "orchestration")
_CONFIGURATION = ("lineshaft.yaml", "mapping", "enterprise", "contracts", "costs.yaml")


def is_up_to_date(deployment: Deployment) -> bool:
    """Whether the last build saw these very inputs and what it made is still there."""
    if not deployment.warehouse_path.exists():
        return False
    with open_warehouse(deployment.warehouse_path) as connection:
        row = connection.execute("select fingerprint, outputs from raw.completed_build").fetchone()
        found = _fingerprint(deployment, connection, inputs=fingerprint_inputs(deployment))
    if row is None:
        return False
    return bool(row[0] == found and all((deployment.home / output).exists() for output in json.loads(row[1])))


def fingerprint_inputs(deployment: Deployment) -> str:
    """A digest of what a build that begins now will see; files set aside are added when it has ended."""
    digest = hashlib.sha256()
    for part in (
        fingerprint_landing(deployment.home),
        fingerprint_project(),
        str(deployment.database_url),
        *(f"{name} {version(name)}" for name in ("duckdb", "scikit-learn", "pandas", "pyarrow")),
        *_file_digests(deployment.directory, names=_CONFIGURATION, suffixes={".yaml", ".yml"}),
        *_file_digests(_CODE, names=_PACKAGES, suffixes={".py"}),
    ):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def record_completed_build(deployment: Deployment, *, inputs: str, published: Iterable[Path] = ()) -> None:
    """Remember the inputs that were built, as they were at its beginning; to be called after success only."""
    outputs = [deployment.serving / FILE_NAME, *published]
    if deployment.database_url.startswith("sqlite:///"):
        outputs.append(Path(deployment.database_url.removeprefix("sqlite:///")))
    names = json.dumps(sorted(str(path.absolute()) for path in outputs))  # home / absolute is the absolute path
    with open_warehouse(deployment.warehouse_path) as connection:
        fingerprint = _fingerprint(deployment, connection, inputs=inputs)
        connection.execute("begin")
        connection.execute("delete from raw.completed_build")
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute("insert into raw.completed_build values (?, ?, ?)", [fingerprint, names, now])
        connection.execute("commit")


def _fingerprint(deployment: Deployment, connection: duckdb.DuckDBPyConnection, *, inputs: str) -> str:
    digest = hashlib.sha256()
    for part in (inputs, *_rejected(deployment.home, connection)):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _file_digests(root: Path, *, names: Iterable[str], suffixes: set[str]) -> Iterator[str]:
    for name in names:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.suffix in suffixes and path.is_file():
                yield f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _rejected(home: Path, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for (name,) in connection.execute("select landed_file from raw.rejected_file order by all").fetchall():
        path = home / name
        stat = path.stat() if path.exists() else None
        yield f"rejected {name} {stat.st_size if stat else 0} {stat.st_mtime_ns if stat else 0}"
