"""A deployment is read once, and what is wrong with it is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.errors import DeploymentError
from orchestration.settings import TEMPLATE, load_deployment

SPARKPLUG_SITE = (
    "  - {{site_id: {}, time_zone: UTC, payload_family: sparkplug_b, group_id: {}, mapping: m.yaml, "
    "broker: {{url: 'mqtt://b:1883'}}}}\n"
)
JSON_SITE = (
    "  - {{site_id: {}, time_zone: UTC, payload_family: uns_json, topics: {{roots: {}}}, mapping: m.yaml, "
    "broker: {{url: '{}'}}}}\n"
)


def test_the_bundled_template_is_the_demo_enterprise(tmp_path: Path) -> None:
    deployment = load_deployment(TEMPLATE, home=tmp_path)
    assert [site.site_id for site in deployment.sites] == ["hamburg", "monterrey", "pune"]
    assert {site.payload_family for site in deployment.sites} == {"sparkplug_b", "uns_json"}
    assert deployment.warehouse_path == tmp_path / "warehouse.duckdb"
    assert deployment.database_url == f"sqlite:///{tmp_path}/operations.sqlite"


def test_the_environment_names_deployment_home_and_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESHAFT_DEPLOYMENT", str(TEMPLATE))
    monkeypatch.setenv("LINESHAFT_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LINESHAFT_DATABASE_URL", "postgresql+psycopg://someone@somewhere/store")
    deployment = load_deployment()
    assert deployment.home == tmp_path / "elsewhere"
    assert deployment.database_url == "postgresql+psycopg://someone@somewhere/store"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "No lineshaft.yaml in"),
        ("sites: [", "is not valid YAML"),
        ("enterprise: e\nsites:\n  - {site_id: s}\n", "lacks the entry 'mapping'"),
        ("- enterprise\n", "does not have the form of a deployment"),
        ("enterprise: e\nsites: hamburg\n", "does not have the form of a deployment"),
        ("enterprise: e\nsites: []\n", "lists no site"),
        ("enterprise: e\nsites:\n" + 2 * SPARKPLUG_SITE.format("s", "g"), "two sites have the site_id 's'"),
        (
            "enterprise: e\nsites:\n" + SPARKPLUG_SITE.format("s", "g") + SPARKPLUG_SITE.format("t", "g"),
            "two sites have the group_id 'g'",
        ),
        (
            (
                "enterprise: e\nsites:\n  - {site_id: s, time_zone: Mars/Olympus, payload_family: uns_json, "
                "mapping: m.yaml, broker: {url: 'mqtt://b:1883'}}\n"
            ),
            "is no IANA time zone",
        ),
        (
            (
                "enterprise: e\nsites:\n  - {site_id: s, time_zone: UTC, payload_family: uns_json, "
                "mapping: m.yaml, broker: {url: 'mqtt://user:secret@b:1883'}}\n"
            ),
            "a broker address carries no credentials",
        ),
        (
            "enterprise: e\nsites:\n"
            + JSON_SITE.format("s", "a/b", "mqtt://b:1883")
            + JSON_SITE.format("t", "a", "mqtt://b:1883"),
            "topics of site 's' below a/b lie within those of 't' below a",
        ),
    ],
)
def test_a_faulty_deployment_is_refused_with_the_reason(text: str | None, sentence: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "lineshaft.yaml").write_text(text)
    with pytest.raises(DeploymentError, match=sentence):
        load_deployment(tmp_path, home=tmp_path)


def test_an_unknown_site_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="known sites: hamburg, monterrey, pune"):
        load_deployment(TEMPLATE, home=tmp_path).site("atlantis")


def test_the_same_root_on_two_brokers_is_two_sites(tmp_path: Path) -> None:
    text = JSON_SITE.format("s", "a", "mqtt://b:1883") + JSON_SITE.format("t", "a", "mqtt://c:1883")
    (tmp_path / "lineshaft.yaml").write_text(f"enterprise: e\nsites:\n{text}")
    deployment = load_deployment(tmp_path, home=tmp_path)
    assert [site.subscriptions[0] for site in deployment.sites] == ["a/#", "a/#"]
