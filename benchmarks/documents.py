"""Invoice documents against the engines beneath them, every figure a ratio in one run.

    python benchmarks/documents.py [--repeats 5] [--invoices 40] [--gate]

XML against bare lxml building the same tree from a list; PDF against the Typst compiler alone on the same template,
with other data each time; validation (XSD and rules) against the rule engine alone, its rules compiled before.
With --gate the exit code is 1 if a target is missed. XRechnung is left out where its rules are not installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lxml import etree

from benchmarks.ingestion.figures import Figure, Report, median
from models.billing.document_model import DocumentProfile, InvoiceDocument
from models.billing.documents import validation
from models.billing.documents.errors import MissingRulesError
from models.billing.documents.evidence import EVIDENCE_FILE_NAME, evidence_csv
from models.billing.documents.pdf import TEMPLATE, invoice_pdf
from models.billing.documents.presentation import page_content
from models.billing.documents.profile import e_invoice
from models.billing.documents.sealed_copy import SEALED_FILE_NAME, sealed_copy
from models.billing.seal import invoice_sha256
from tests.builders.einvoice_rules import for_any_profile
from tests.builders.invoices import an_invoice_document

Work = Callable[[], None]
VALIDATED: tuple[DocumentProfile, ...] = ("factur_x", "peppol_bis_3", "xrechnung_ubl", "xrechnung_cii")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each contestant, interleaved; medians count")
    parser.add_argument("--invoices", type=int, default=40, help="documents of a run, each with its own data")
    parser.add_argument("--gate", action="store_true", help="exit 1 if a target is missed")
    given = parser.parse_args()
    report = Report()
    print(report.heading(), flush=True)
    documents = [numbered(number) for number in range(given.invoices)]
    for profile in ("factur_x", "xrechnung_ubl"):
        measure_xml(report, documents, profile=profile, repeats=given.repeats)
    measure_pdf(report, documents, repeats=given.repeats)
    for profile in VALIDATED:
        measure_validation(report, documents, profile=profile, repeats=given.repeats)
    if given.gate and not report.is_met:
        raise SystemExit(1)


def numbered(number: int) -> InvoiceDocument:
    """An invoice of 4 lines whose number, contract and seal are its own."""
    document = for_any_profile(
        an_invoice_document(
            invoice_number=f"WELLER-2026-{number:05d}", contract_name=f"Machining as a service {number}"
        )
    )
    return replace(document, invoice_sha256=invoice_sha256(document))


def per_second(*, count: int, repeats: int, contestants: Sequence[Work]) -> list[float]:
    """Documents a second of each contestant, medians of interleaved runs after one that warms up."""
    rates: list[list[float]] = [[] for _ in contestants]
    for work in contestants:
        work()
    for _ in range(repeats):
        for work, measured in zip(contestants, rates, strict=True):
            began = time.perf_counter()
            work()
            measured.append(count / (time.perf_counter() - began))
    return [median(measured) for measured in rates]


def measure_xml(
    report: Report, documents: Sequence[InvoiceDocument], *, profile: DocumentProfile, repeats: int
) -> None:
    recipes = [recipe_of(etree.fromstring(e_invoice(document, profile=profile))) for document in documents]

    def ours() -> None:
        for document in documents:
            e_invoice(document, profile=profile)

    def bare() -> None:
        for recipe in recipes:
            build(recipe)

    mine, peer = per_second(count=len(documents), repeats=repeats, contestants=(ours, bare))
    report.add(Figure(name=f"XML {profile} / bare lxml", ours=mine, peer=peer, unit="docs/s", target=0.3))


Recipe = list[tuple[int, str, str | None, dict[str, str]]]


def recipe_of(root: etree._Element) -> tuple[dict[str | None, str], Recipe]:
    """Namespaces, and per element in order: the parent's place, tag, text, attributes."""
    places: dict[etree._Element, int] = {}
    recipe: Recipe = []
    for node in root.iter(etree.Element):
        places[node] = len(recipe)
        text = node.text if len(node) == 0 else None
        recipe.append((places.get(node.getparent(), -1), node.tag, text, dict(node.attrib)))
    return dict(root.nsmap), recipe


def build(written: tuple[dict[str | None, str], Recipe]) -> bytes:
    nsmap, recipe = written
    nodes = [etree.Element(recipe[0][1], nsmap=nsmap)]
    for parent, tag, text, attributes in recipe[1:]:
        node = etree.SubElement(nodes[parent], tag, attributes)
        node.text = text
        nodes.append(node)
    return bytes(etree.tostring(nodes[0], encoding="utf-8", xml_declaration=True, pretty_print=True))


def measure_pdf(report: Report, documents: Sequence[InvoiceDocument], *, repeats: int) -> None:
    import typst

    documents = documents[:10]
    xmls = [e_invoice(document, profile="factur_x") for document in documents]
    inputs = [
        {
            "content": json.dumps(page_content(document, xml=xml), ensure_ascii=False),
            "evidence_name": EVIDENCE_FILE_NAME,
            "sealed_name": SEALED_FILE_NAME,
            "xml": xml.decode(),
            "evidence": evidence_csv(document).decode(),
            "sealed": sealed_copy(document).decode(),
        }
        for document, xml in zip(documents, xmls, strict=True)
    ]

    def ours() -> None:
        for document, xml in zip(documents, xmls, strict=True):
            invoice_pdf(document, xml=xml)

    def compiler() -> None:
        for each in inputs:
            typst.compile(TEMPLATE, format="pdf", ignore_system_fonts=True, pdf_standards=["a-3b"], sys_inputs=each)

    mine, peer = per_second(count=len(documents), repeats=repeats, contestants=(ours, compiler))
    report.add(Figure(name="PDF / Typst alone", ours=mine, peer=peer, unit="docs/s", target=0.5))


def measure_validation(
    report: Report, documents: Sequence[InvoiceDocument], *, profile: DocumentProfile, repeats: int
) -> None:
    xmls = [e_invoice(document, profile=profile) for document in documents[:10]]
    try:
        stylesheets = validation.stylesheets(xmls[0])
    except MissingRulesError as missing:
        report.skip(f"validation {profile}: {missing}")
        return
    from saxonche import PySaxonProcessor

    engine = PySaxonProcessor(license=False)
    compiled = [engine.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(each)) for each in stylesheets]

    def ours() -> None:
        for xml in xmls:
            if validation.schema_findings(xml) or validation.business_rule_findings(xml):
                raise SystemExit(f"{profile} has findings")

    def engines() -> None:
        for xml in xmls:
            for rules in compiled:
                rules.transform_to_string(xdm_node=engine.parse_xml(xml_text=xml.decode()))

    mine, peer = per_second(count=len(xmls), repeats=repeats, contestants=(ours, engines))
    name = f"time to validate {profile} / engines alone"
    report.add(Figure(name=name, ours=1000 / mine, peer=1000 / peer, unit="ms", target=1.5, bound="at_most"))


if __name__ == "__main__":
    main()
