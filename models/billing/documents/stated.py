"""What an e-invoice (CII) says in its own fields, held against the sealed copy beside it.

Belongs here: the figures and names that somebody who alters an invoice would alter. Does not belong here: judging the
sealed copy itself (models.billing.verification).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from models.billing.document_model import InvoiceDocument
from models.billing.documents.errors import NoSealedCopyError
from models.billing.documents.figures import amount_text
from models.exact import plain_text

if TYPE_CHECKING:
    from lxml.etree import _Element

Figures = dict[str, tuple[str, ...]]

_PATHS = {
    "number": "ExchangedDocument/ID",
    "type code": "ExchangedDocument/TypeCode",
    "date": "ExchangedDocument/IssueDateTime/DateTimeString",
    "seller": "//SellerTradeParty/Name",
    "buyer": "//BuyerTradeParty/Name",
    "contract": "//ContractReferencedDocument/IssuerAssignedID",
    "currency": "//InvoiceCurrencyCode",
    "account": "//PayeePartyCreditorFinancialAccount/IBANID",
    "due date": "//SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
    "credited invoice": "//InvoiceReferencedDocument/IssuerAssignedID",
    "line numbers": "//IncludedSupplyChainTradeLineItem/AssociatedDocumentLineDocument/LineID",
    "line names": "//IncludedSupplyChainTradeLineItem/SpecifiedTradeProduct/Name",
    "quantities": "//IncludedSupplyChainTradeLineItem//BilledQuantity",
    "prices": "//IncludedSupplyChainTradeLineItem//NetPriceProductTradePrice/ChargeAmount",
    "line amounts": "//SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount",
    "sum of lines": "//SpecifiedTradeSettlementHeaderMonetarySummation/LineTotalAmount",
    "net amount": "//SpecifiedTradeSettlementHeaderMonetarySummation/TaxBasisTotalAmount",
    "tax amount": "//SpecifiedTradeSettlementHeaderMonetarySummation/TaxTotalAmount",
    "gross amount": "//SpecifiedTradeSettlementHeaderMonetarySummation/GrandTotalAmount",
    "payable amount": "//SpecifiedTradeSettlementHeaderMonetarySummation/DuePayableAmount",
}


def parsed(xml: bytes) -> _Element:
    """The XML's root, read without a network and without entities.

    Raises:
        NoSealedCopyError: it is no XML.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as broken:
        raise NoSealedCopyError(problem="its e-invoice is no XML") from broken


def differences(xml: bytes, document: InvoiceDocument) -> Iterator[str]:
    """What the e-invoice says otherwise than the sealed copy, a sentence each; of CII only, the syntax of our PDFs."""
    root = parsed(xml)
    if not str(root.tag).endswith("}CrossIndustryInvoice"):
        return
    stated = {name: tuple(_texts(root, path)) for name, path in _PATHS.items()}
    for name, sealed in _sealed(document).items():
        if stated[name] != sealed:
            yield f"the e-invoice's {name} {_told(stated[name])}, sealed {_told(sealed)}"


def _told(values: tuple[str, ...]) -> str:
    return f"are {', '.join(values)}" if len(values) > 1 else f"is {values[0] if values else 'missing'}"


def _texts(root: _Element, path: str) -> Iterator[str]:
    steps = path.lstrip("/").replace("//", "/~/").split("/")
    xpath, is_deep = "", path.startswith("//")
    for step in steps:
        if step == "~":
            is_deep = True
            continue
        xpath += f"{'//' if is_deep else '/'}*[local-name()='{step}']"
        is_deep = False
    for element in root.xpath(xpath if path.startswith("//") else f"/*{xpath}"):
        yield "".join(element.itertext()).strip()


def _sealed(document: InvoiceDocument) -> Figures:
    from models.billing.documents.business_terms import type_code

    def amounts(*values: object) -> tuple[str, ...]:
        return tuple(amount_text(value, currency_code=document.currency_code) for value in values)  # type: ignore[arg-type]

    def dates(*values: object) -> tuple[str, ...]:
        return tuple(f"{value:%Y%m%d}" for value in values if value is not None)

    lines, iban = document.lines, document.seller.iban
    preceding = document.preceding_invoice_number
    is_paid_here = iban is not None and document.document_type == "invoice"
    return {
        "number": (str(document.invoice_number),),
        "type code": (type_code(document),),
        "date": dates(document.issued_on),
        "seller": (document.seller.legal_name,),
        "buyer": (document.buyer.legal_name,),
        "contract": (document.contract_id,),
        "currency": (document.currency_code,),
        "account": (str(iban).replace(" ", ""),) if is_paid_here else (),
        "due date": dates(document.due_date),
        "credited invoice": () if preceding is None else (preceding,),
        "line numbers": tuple(str(line.line_number) for line in lines),
        "line names": tuple(line.description for line in lines),
        "quantities": tuple(plain_text(line.quantity) for line in lines),
        "prices": tuple(plain_text(line.unit_price) for line in lines),
        "line amounts": amounts(*(line.line_extension_amount for line in lines)),
        "sum of lines": amounts(document.line_extension_amount),
        "net amount": amounts(document.tax_exclusive_amount),
        "tax amount": amounts(document.tax_amount),
        "gross amount": amounts(document.tax_inclusive_amount),
        "payable amount": amounts(document.payable_amount),
    }
