"""The house keeps its rules: who imports whom, the layers of the dbt project, and the names others rely on."""

from __future__ import annotations

import copy
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_law import violations
from tests.snapshots import assert_matches_snapshot

PACKAGES = ("ingest", "models", "ml", "orchestration")


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_first_party_names_resolve_to_this_checkout(package: str, project: Path) -> None:
    """Unrelated distributions of these names exist; ours must be the ones found."""
    found = Path(str(importlib.import_module(package).__file__))
    assert found.parent == project / package


def test_imports_point_inwards(project: Path) -> None:
    result = lint_imports(project)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("where", "planted", "broken"),
    [
        ("ml/planted.py", "import orchestration.errors", "orchestration stands on ingest and ml"),
        ("ingest/planted.py", "import ml", "orchestration stands on ingest and ml"),
        ("models/planted.py", "import dagster", "Dagster, dbt and Great Expectations appear only in orchestration"),
        ("orchestration/planted.py", "import aiomqtt", "aiomqtt appears only in ingest.broker and the simulator"),
        ("models/billing/rating/planted.py", "import sqlalchemy", "the arithmetic of money and time knows no database"),
    ],
)
def test_a_planted_import_is_caught(where: str, planted: str, broken: str, project: Path, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(project / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "pyproject.toml", tmp_path)
    (tmp_path / where).write_text(f"{planted}\n", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert (
        f"{broken} BROKEN" in " ".join(result.stdout.split()) or broken in result.stdout.split("Broken contracts")[-1]
    )


def test_dbt_models_keep_the_layer_law(manifest: dict[str, Any]) -> None:
    assert list(violations(manifest)) == []


def test_a_planted_layer_breach_is_caught(manifest: dict[str, Any]) -> None:
    planted = copy.deepcopy(manifest)
    feed = next(node for node in planted["nodes"].values() if node["name"].startswith("feed_"))
    staging = next(uid for uid, node in planted["nodes"].items() if node["name"].startswith("stg_"))
    feed["depends_on"]["nodes"].append(staging)
    feed["config"]["contract"]["enforced"] = False
    feed["description"] = "Some rows."
    found = list(violations(planted))
    assert any("must not read stg_" in sentence for sentence in found)
    assert any("no enforced contract" in sentence for sentence in found)
    assert any("does not begin with its grain" in sentence for sentence in found)


def test_mart_columns_are_the_ones_on_file(manifest: dict[str, Any]) -> None:
    columns = [
        f"{node['schema']}.{node['name']}.{column} {details['data_type']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["contract"]["enforced"]
        for column, details in node["columns"].items()
    ]
    assert columns
    assert_matches_snapshot(columns, "mart_columns.txt")


# Dagster 1.13 converts check definitions with a parameter that it calls beta itself.
@pytest.mark.filterwarnings("ignore:Parameter .execution_type.:dagster_shared.utils.warnings.BetaWarning")
def test_asset_keys_are_the_ones_on_file() -> None:
    from orchestration.definitions import defs

    keys = ["/".join(spec.key.path) for spec in defs().resolve_all_asset_specs()]
    assert keys
    assert_matches_snapshot(keys, "asset_keys.txt")


def test_command_line_names_are_the_ones_on_file() -> None:
    from typer.main import get_command

    from orchestration.cli import app

    def names(command: Any, path: str) -> list[str]:
        options = [f"{path} {option}" for parameter in command.params for option in parameter.opts if option[0] == "-"]
        below = [
            name
            for child, inner in getattr(command, "commands", {}).items()
            for name in names(inner, f"{path} {child}")
        ]
        return [path, *options, *below]

    assert_matches_snapshot(names(get_command(app), "lineshaft"), "command_line.txt")


@pytest.mark.parametrize("heavy", ["dagster", "dbt", "great_expectations", "sklearn", "pandas", "sqlalchemy", "duckdb"])
def test_the_command_line_starts_without_heavy_imports(heavy: str) -> None:
    code = f"import sys, orchestration.cli; sys.exit('{heavy}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_workflow_file_names_a_package_index(project: Path) -> None:
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--hash=sha256:" in lock


@pytest.fixture(scope="module")
def manifest(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The dbt project as dbt reads it."""
    target = tmp_path_factory.mktemp("dbt")
    subprocess.run(
        [
            *(str(Path(sys.executable).parent / "dbt"), "--quiet", "parse", "--no-partial-parse"),
            *("--project-dir", str(project / "dbt_project"), "--profiles-dir", str(project / "dbt_project")),
            *("--target-path", str(target), "--log-path", str(target)),
        ],
        env={**os.environ, "LINESHAFT_WAREHOUSE_PATH": str(target / "warehouse.duckdb")},
        check=True,
    )
    parsed: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return parsed
