"""Every profile of every kind of invoice under the rules other people wrote, and under our own arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from models.billing.document_model import DocumentProfile, InvoiceDocument
from models.billing.documents.arithmetic import amount_findings
from models.billing.documents.profile import e_invoice
from models.billing.documents.validation import business_rule_findings, schema_findings
from tests.builders.einvoice_rules import PROFILES, for_any_profile, require_rules
from tests.builders.invoices import (
    a_compressor_invoice,
    a_credit_note,
    an_export_credit_note,
    an_export_invoice,
    an_invoice_document,
)

EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
EVERY_INVOICE = pytest.mark.parametrize(
    "build", [an_invoice_document, a_compressor_invoice, an_export_invoice, a_credit_note, an_export_credit_note]
)
CENT = Decimal("0.01")
AMOUNTS = {
    "ChargeAmount", "LineTotalAmount", "CalculatedAmount", "BasisAmount", "TaxBasisTotalAmount", "TaxTotalAmount",
    "GrandTotalAmount", "DuePayableAmount",
    "PriceAmount", "LineExtensionAmount", "TaxableAmount", "TaxAmount", "TaxExclusiveAmount", "TaxInclusiveAmount",
    "PayableAmount",
}  # fmt: skip


@EVERY_PROFILE
@EVERY_INVOICE
def test_no_rule_objects_not_even_with_a_warning(
    build: Callable[[], InvoiceDocument], profile: DocumentProfile
) -> None:
    xml = e_invoice(for_any_profile(build()), profile=profile)

    require_rules(xml)

    assert schema_findings(xml) == ()
    assert business_rule_findings(xml) == []
    assert amount_findings(xml) == ()


def altered_amounts(xml: bytes) -> Iterator[tuple[str, bytes]]:
    """The document once for each of its amounts and each direction, that amount off by a cent."""
    root = etree.fromstring(xml)
    for node in root.iter(etree.Element):
        name = etree.QName(node).localname
        if name in AMOUNTS:
            right = node.text
            for wrong in (Decimal(right) + CENT, Decimal(right) - CENT):
                node.text = str(wrong)
                yield f"{name} {right} to {wrong}", etree.tostring(root)
            node.text = right


@EVERY_PROFILE
@EVERY_INVOICE
def test_each_amount_off_by_a_cent_is_caught(build: Callable[[], InvoiceDocument], profile: DocumentProfile) -> None:
    xml = e_invoice(for_any_profile(build()), profile=profile)

    altered = list(altered_amounts(xml))

    assert len(altered) >= 18  # nine amounts at least, up and down
    assert [what for what, wrong in altered if not amount_findings(wrong)] == []


@pytest.mark.parametrize("name", ["LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount"])
def test_other_peoples_rules_catch_a_wrong_foot_in_ubl_too(name: str) -> None:
    root = etree.fromstring(e_invoice(for_any_profile(an_invoice_document()), profile="peppol_bis_3"))
    (node,) = root.findall(f"{{*}}LegalMonetaryTotal/{{*}}{name}")
    node.text = str(Decimal(node.text) + CENT)

    findings = business_rule_findings(etree.tostring(root))

    assert {finding.severity for finding in findings} == {"fatal"}


def test_a_leitweg_id_is_asked_for_by_the_rules_themselves() -> None:
    """Without buyer reference and contact the XRechnung rules object: our own check is not stricter than they are."""
    xml = e_invoice(for_any_profile(an_invoice_document()), profile="xrechnung_ubl")
    require_rules(xml)
    root = etree.fromstring(xml)
    for path in ("{*}BuyerReference", ".//{*}Contact"):
        node = root.find(path)
        node.getparent().remove(node)

    rules = {finding.rule_id for finding in business_rule_findings(etree.tostring(root))}

    assert {"BR-DE-15", "BR-DE-2"} <= rules


def test_the_rules_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from models.billing.documents.errors import MissingRulesError

    monkeypatch.setenv("LINESHAFT_EINVOICE_RULES", str(tmp_path))
    xml = e_invoice(for_any_profile(an_invoice_document()), profile="xrechnung_ubl")

    with pytest.raises(MissingRulesError, match="name the folder that holds it in LINESHAFT_EINVOICE_RULES"):
        business_rule_findings(xml)
