"""Clauses of the trade for tests: indexed prices, severity, performance, hour bands."""

from __future__ import annotations

from typing import Any

from models.billing.terms import Term

HOURS = {"metric": "running_time", "quantity_unit_code": "HUR"}
PARTS = {"metric": "good_count", "quantity_unit_code": "C62"}


def _a_term(rule: str, parameters: dict[str, Any], *, position: int, **metered: str) -> Term:
    return Term(
        term_id=rule,
        position=position,
        rule=rule,
        description=rule.replace("_", " ").capitalize(),
        parameters=parameters,
        **metered,
    )


def a_severity_factor(**changes: Any) -> Term:
    """Running hours at 10, up to two hours per part at half again, above at the price itself."""
    agreed: dict[str, Any] = {
        "unit_price": "10",
        "reference": {"metric": "good_count", "unit_code": "C62"},
        "bands": [{"up_to": "2", "factor": "1.5"}, {"up_to": None, "factor": "1"}],
    }
    return _a_term("severity_factor", {**agreed, **changes}, position=11, **HOURS)


def a_performance_credit(**changes: Any) -> Term:
    """Half an hour per part is guaranteed, 10 % tolerated; each hour beyond is worth 40."""
    agreed: dict[str, Any] = {
        "reference": {"metric": "good_count", "unit_code": "C62"},
        "guaranteed_rate": "0.5",
        "tolerance_percent": "10",
        "unit_value": "40",
    }
    return _a_term("performance_credit", {**agreed, **changes}, position=12, **HOURS)


def some_hour_bands(**changes: Any) -> Term:
    """Up to 200 hours at 900, to 400 at 1,500, to 600 at 2,000; the second band is agreed."""
    agreed: dict[str, Any] = {
        "bands": [
            {"up_to": "200", "amount": "900"},
            {"up_to": "400", "amount": "1500"},
            {"up_to": "600", "amount": "2000"},
        ],
        "agreed_band": 2,
    }
    return _a_term("hour_bands", {**agreed, **changes}, position=13, **HOURS)


def an_indexed_price(rule: str = "indexation", **changes: Any) -> Term:
    """100 x (0.15 + 0.55 x labour + 0.30 x metal); in March 2026 that is 103.9745."""
    agreed: dict[str, Any] = {
        "base_price": "100.00",
        "fixed_weight": "0.15",
        "components": [
            {"index": "labour", "weight": "0.55", "base_value": "104.2"},
            {"index": "metal", "weight": "0.30", "base_value": "98.0"},
        ],
        "values": [
            a_published_value("labour", "2025-01-01", "104.2"),
            a_published_value("labour", "2026-03-01", "109.7"),
            a_published_value("labour", "2026-04-01", "120"),
            a_published_value("metal", "2026-01-01", "101.5"),
        ],
    }
    metered = PARTS if rule == "indexation" else {}
    return _a_term(rule, {**agreed, **changes}, position=14 if metered else 15, **metered)


def a_published_value(index: str, from_date: str, value: str) -> dict[str, str]:
    return {"index": index, "from_date": from_date, "value": value, "source": "Destatis 62221"}
