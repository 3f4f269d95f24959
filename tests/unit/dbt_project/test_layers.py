"""What the layer law of tests/dbt_law.py leaves open: sources, words for every column, and what feeds promise."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[3] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
READS = re.compile(r"(ref|source)\('([a-z_0-9]+)'(?:, '([a-z_0-9]+)')?\)")


@lru_cache(maxsize=1)
def described() -> dict[str, dict[str, object]]:
    """Every model of every properties file, by name."""
    files = (PROJECT / "models").rglob("_*.yml")
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    return {model["name"]: model for document in documents for model in document.get("models", [])}


@lru_cache(maxsize=1)
def words() -> set[str]:
    """The columns that have a definition."""
    text = (PROJECT / "models/marts/_columns.md").read_text(encoding="utf-8")
    return set(re.findall(r"\{% docs (\w+) %\}", text))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_reads_like_the_others(path: Path) -> None:
    """Import CTEs first, the last step is called final, and nothing else is selected whole at the end."""
    sql = path.read_text(encoding="utf-8")
    assert sql.endswith("\nselect * from final\n")
    assert re.search(r"^with\n\n\w+ as \(", sql, re.MULTILINE)
    assert "group by 1" not in sql
    assert "current_timestamp" not in sql, "a rebuild gives the same values whenever it runs"


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_has_a_described_grain(path: Path) -> None:
    assert str(described()[path.stem]["description"]).startswith("One row per ")


@pytest.mark.parametrize("path", [path for path in MODELS if "staging" in path.parts], ids=lambda path: path.stem)
def test_staging_reads_one_relation_and_joins_none(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert len(READS.findall(sql)) == 1
    assert " join " not in sql


@pytest.mark.parametrize("path", [path for path in MODELS if "staging" not in path.parts], ids=lambda path: path.stem)
def test_only_staging_reads_sources(path: Path) -> None:
    assert {kind for kind, _, _ in READS.findall(path.read_text(encoding="utf-8"))} == {"ref"}


@pytest.mark.parametrize("path", [path for path in MODELS if "feeds" in path.parts], ids=lambda path: path.stem)
def test_a_feed_reads_marts_and_names_its_partner(path: Path) -> None:
    read = [name for _, name, _ in READS.findall(path.read_text(encoding="utf-8"))]
    assert [name for name in read if not name.startswith(("dim_", "fct_", "bridge_"))] == []
    columns = {column["name"]: column for column in described()[path.stem]["columns"]}  # type: ignore[attr-defined]
    assert columns["party_id"]["data_tests"] == ["not_null"]


@pytest.mark.parametrize("path", [path for path in MODELS if "marts" in path.parts], ids=lambda path: path.stem)
def test_every_mart_column_has_a_type_and_one_shared_definition(path: Path) -> None:
    for column in described()[path.stem]["columns"]:  # type: ignore[attr-defined]
        assert column["data_type"]
        name = re.fullmatch(r"\{\{ doc\('(\w+)'\) \}\}", column["description"])
        assert name is not None, column["name"]
        assert name[1] in words()


def test_no_definition_is_left_over() -> None:
    used = {
        name
        for model in described().values()
        for column in model.get("columns", [])  # type: ignore[attr-defined]
        for name in re.findall(r"doc\('(\w+)'\)", column["description"])
    }
    assert words() - used == set()


def test_nothing_calls_home() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    profiles = yaml.safe_load((PROJECT / "profiles.yml").read_text(encoding="utf-8"))
    assert project["flags"]["send_anonymous_usage_stats"] is False
    assert project["flags"]["version_check"] is False
    settings = profiles["lineshaft"]["outputs"]["embedded"]["settings"]
    assert settings["autoinstall_known_extensions"] is False
    assert not (PROJECT / "packages.yml").exists()
