"""The dbt project on disk, and its manifest, parsed once for each state of the project.

Belongs here: finding the project, the digest of its files, preparing the manifest Dagster reads.
Does not belong here: running models (invocation), naming assets (translator).

Parsing takes seconds, loading definitions happens often (`dg check defs`, every Dagster process): the manifest lies in
the home, named by the digest of the project, and is parsed again only when a project file or dbt itself changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.transform.invocation import PROJECT, DbtSession

_PROJECT_FILES = {".sql", ".yml", ".yaml", ".csv", ".md", ".py"}
_NOT_THE_PROJECT = {"target", "logs", "dbt_packages", "__pycache__"}


def fingerprint_project(project: Path = PROJECT) -> str:
    """A digest of every file that shapes the manifest, and of the dbt that reads them."""
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-duckdb')}".encode())
    for path in sorted(_project_files(project)):
        digest.update(f"\0{path.relative_to(project)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def prepare_manifest(*, home: Path, project: Path = PROJECT) -> Path:
    """The path of a manifest.json that matches the project as it is now.

    Raises:
        BuildError: dbt cannot parse the project.
    """
    target = home / "dbt" / "target"
    manifest, stamp = target / "manifest.json", target / "project.sha256"
    fingerprint = fingerprint_project(project)
    if manifest.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint:
        return manifest
    DbtSession(home=home, project=project).parse()
    stamp.write_text(fingerprint, encoding="utf-8")
    return manifest


def read_manifest(*, home: Path, project: Path = PROJECT) -> dict[str, Any]:
    """The manifest itself."""
    manifest: dict[str, Any] = json.loads(prepare_manifest(home=home, project=project).read_text(encoding="utf-8"))
    return manifest


def _project_files(project: Path) -> Iterator[Path]:
    for path in project.rglob("*"):
        if path.suffix in _PROJECT_FILES and not _NOT_THE_PROJECT.intersection(path.relative_to(project).parts):
            yield path
