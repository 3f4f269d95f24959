"""The deployment that receives a C-MAPSS replay: site nasa, one turbofan per engine, no contracts.

Belongs here: writing its configuration files. Does not belong here: publishing the data (cmapss).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ingest.simulator.cmapss import (
    ENTERPRISE_ID,
    FAILURE_MODES,
    GROUP_ID,
    METRIC_NAMES,
    SITE_ID,
    Part,
    physical_asset_id,
    work_unit_id,
)
from ingest.simulator.errors import ReplayDataError

ENGINE_COUNTS: dict[str, dict[Part, int]] = {
    "FD001": {"train": 100, "test": 100},
    "FD002": {"train": 260, "test": 259},
    "FD003": {"train": 100, "test": 100},
    "FD004": {"train": 249, "test": 248},
}
SINCE = "2025-01-01"


def equipment_class(subset: str) -> str:
    """The class its engines share, on which one model is trained."""
    return f"turbofan_{subset.lower()}"


def cmapss_deployment(
    directory: Path, *, subset: str, engines: int | None = None, broker_url: str = "mqtt://127.0.0.1:1883"
) -> None:
    """Write lineshaft.yaml, mapping/ and enterprise/ for a subset, and an empty contracts/."""
    if subset not in FAILURE_MODES:
        raise ReplayDataError(f"{subset!r} is no subset: use one of {', '.join(FAILURE_MODES)}", path=directory)
    units = [
        work_unit_id(part, number)
        for part, count in ENGINE_COUNTS[subset].items()
        for number in range(1, min(count, engines or count) + 1)
    ]
    documents: dict[str, dict[str, Any]] = {
        "lineshaft.yaml": _lineshaft(broker_url),
        f"mapping/{SITE_ID}.yaml": _mapping(),
        "enterprise/sites.yaml": _site(),
        "enterprise/equipment.yaml": {"equipment": _equipment(units, subset=subset)},
        "enterprise/assets.yaml": _assets(units, subset=subset),
    }
    (directory / "contracts").mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _lineshaft(broker_url: str) -> dict[str, Any]:
    broker = {"url": broker_url, "protocol": "3.1.1", "username_env": None, "password_env": None}
    site = {
        "site_id": SITE_ID,
        "time_zone": "UTC",
        "payload_family": "sparkplug_b",
        "group_id": GROUP_ID,
        "broker": broker,
        "mapping": f"mapping/{SITE_ID}.yaml",
    }
    return {"enterprise": ENTERPRISE_ID, "host_id": "lineshaft", "sites": [site]}


def _mapping() -> dict[str, Any]:
    """Every engine by the same rules; the file states no units, so none are invented."""
    rules = [{"metric": name, "is": name, "role": "sensor", "unit": "C62"} for name in METRIC_NAMES]
    return {"version": 1, "rules": rules}


def _site() -> dict[str, Any]:
    party = {
        "party_id": "nasa",
        "party_role": "operator",
        "name": "NASA",
        "legal_name": "NASA Ames Prognostics Center of Excellence",
        "street": "Moffett Field",
        "city": "Mountain View",
        "postal_code": "94035",
        "country_code": "US",
        "vat_identifier": None,
        "email": None,
        "iban": None,
        "bic": None,
    }
    site = {
        "site_id": SITE_ID,
        "enterprise_id": ENTERPRISE_ID,
        "name": "Turbofan test bench",
        "time_zone": "UTC",
        "country_code": "US",
        "operator_party_id": "nasa",
    }
    return {"site": [site], "party": [party]}


def _equipment(units: list[str], *, subset: str) -> list[dict[str, Any]]:
    enterprise, bench, engines = f"{ENTERPRISE_ID}_enterprise", f"{SITE_ID}_bench", f"{SITE_ID}_engines"
    rows = [
        (enterprise, "enterprise", None, None, "NASA"),
        (SITE_ID, "site", enterprise, SITE_ID, "Turbofan test bench"),
        (bench, "area", SITE_ID, SITE_ID, "Bench"),
        (engines, "work_center", bench, SITE_ID, "Engines"),
    ]
    keys = ("equipment_id", "equipment_level", "parent_equipment_id", "site_id", "name")
    roles: list[dict[str, Any]] = [{**dict(zip(keys, row, strict=True)), "equipment_class": None} for row in rows]
    return roles + [
        {
            "equipment_id": unit,
            "equipment_level": "work_unit",
            "parent_equipment_id": engines,
            "site_id": SITE_ID,
            "name": unit.replace("_", " "),
            "equipment_class": equipment_class(subset),
        }
        for unit in units
    ]


def _assets(units: list[str], *, subset: str) -> dict[str, Any]:
    assets = [
        {
            "physical_asset_id": physical_asset_id(subset=subset, work_unit=unit),
            "serial_number": physical_asset_id(subset=subset, work_unit=unit),
            "equipment_class": equipment_class(subset),
            "model_name": "C-MAPSS turbofan",
            "manufacturer_party_id": "nasa",
            "commissioned_date": SINCE,
        }
        for unit in units
    ]
    assignments = [
        {
            "asset_assignment_id": number,
            "physical_asset_id": physical_asset_id(subset=subset, work_unit=unit),
            "work_unit_id": unit,
            "assigned_from_at": f"{SINCE}T00:00:00Z",
            "assigned_until_at": None,
        }
        for number, unit in enumerate(units, start=1)
    ]
    return {"physical_asset": assets, "asset_assignment": assignments}
