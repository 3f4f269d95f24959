"""Our own check of an e-invoice's amounts, from the XML alone: every figure recomputed in exact decimals.

Belongs here: BR-CO-10, 13, 15, 16, 17 and line = quantity x price, to the cent, in both syntaxes. EN 16931's own rules
leave the line's product unchecked and allow the VAT a slack of one unit; here nothing may differ.
Does not belong here: other people's rules (validation.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from models.billing.documents.xml_tree import Element
from models.exact import multiply
from models.money import Money, round_amount


@dataclass(frozen=True, kw_only=True)
class _Syntax:
    """Where a syntax keeps what is recomputed; `{*}` stands for its namespaces."""

    currency: str
    line: str
    quantity: str
    price: str
    line_amount: str
    subtotal: str
    taxable: str
    subtotal_tax: str
    rate: str
    net_of_lines: str
    net: str
    tax: str
    gross: str
    payable: str


_CII_FOOT = ".//{*}SpecifiedTradeSettlementHeaderMonetarySummation"
_CII = _Syntax(
    currency=".//{*}InvoiceCurrencyCode",
    line=".//{*}IncludedSupplyChainTradeLineItem",
    quantity=".//{*}BilledQuantity",
    price=".//{*}NetPriceProductTradePrice/{*}ChargeAmount",
    line_amount=".//{*}LineTotalAmount",
    subtotal="{*}SupplyChainTradeTransaction/{*}ApplicableHeaderTradeSettlement/{*}ApplicableTradeTax",
    taxable="{*}BasisAmount",
    subtotal_tax="{*}CalculatedAmount",
    rate="{*}RateApplicablePercent",
    net_of_lines=f"{_CII_FOOT}/{{*}}LineTotalAmount",
    net=f"{_CII_FOOT}/{{*}}TaxBasisTotalAmount",
    tax=f"{_CII_FOOT}/{{*}}TaxTotalAmount",
    gross=f"{_CII_FOOT}/{{*}}GrandTotalAmount",
    payable=f"{_CII_FOOT}/{{*}}DuePayableAmount",
)


def _ubl(line: str, quantity: str) -> _Syntax:
    return _Syntax(
        currency="{*}DocumentCurrencyCode",
        line=f"{{*}}{line}",
        quantity=f"{{*}}{quantity}",
        price="{*}Price/{*}PriceAmount",
        line_amount="{*}LineExtensionAmount",
        subtotal="{*}TaxTotal/{*}TaxSubtotal",
        taxable="{*}TaxableAmount",
        subtotal_tax="{*}TaxAmount",
        rate="{*}TaxCategory/{*}Percent",
        net_of_lines="{*}LegalMonetaryTotal/{*}LineExtensionAmount",
        net="{*}LegalMonetaryTotal/{*}TaxExclusiveAmount",
        tax="{*}TaxTotal/{*}TaxAmount",
        gross="{*}LegalMonetaryTotal/{*}TaxInclusiveAmount",
        payable="{*}LegalMonetaryTotal/{*}PayableAmount",
    )


_SYNTAXES = {
    "CrossIndustryInvoice": _CII,
    "Invoice": _ubl("InvoiceLine", "InvoicedQuantity"),
    "CreditNote": _ubl("CreditNoteLine", "CreditedQuantity"),
}


def amount_findings(xml: bytes) -> tuple[str, ...]:
    """What does not add up, one sentence each; empty means every amount follows from quantities, prices and rates.

    Documents with allowances, charges or prepaid amounts are not ours and are told as such.
    """
    invoice = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    syntax = _SYNTAXES.get(etree.QName(invoice).localname)
    if syntax is None:
        return (f"{etree.QName(invoice).localname} is no invoice of UBL 2.1 or CII",)
    try:
        return tuple(_differences(invoice, syntax))
    except InvalidOperation:
        return ("an amount, a quantity or a rate is missing or is no number",)


def _differences(invoice: Element, syntax: _Syntax) -> Iterator[str]:
    currency = invoice.findtext(syntax.currency)
    net = Decimal(0)
    for number, line in enumerate(invoice.iterfind(syntax.line), start=1):
        product = multiply(_number(line, syntax.quantity), _number(line, syntax.price))
        stated = _number(line, syntax.line_amount)
        yield from _difference(f"line {number}: quantity x price", stated, _rounded(product, currency))
        net += stated
    taxable, tax = Decimal(0), Decimal(0)
    for subtotal in invoice.iterfind(syntax.subtotal):
        base, stated = _number(subtotal, syntax.taxable), _number(subtotal, syntax.subtotal_tax)
        rate = Decimal(subtotal.findtext(syntax.rate) or 0)  # category O has none
        yield from _difference(
            "VAT: base x rate", stated, _rounded(multiply(base, multiply(rate, Decimal("0.01"))), currency)
        )
        taxable, tax = taxable + base, tax + stated
    foot = {
        name: _number(invoice, getattr(syntax, name)) for name in ("net_of_lines", "net", "tax", "gross", "payable")
    }
    yield from _difference("sum of lines", foot["net_of_lines"], net)
    yield from _difference("total without VAT", foot["net"], net)
    yield from _difference("sum of VAT bases", taxable, net)
    yield from _difference("total VAT", foot["tax"], tax)
    yield from _difference("total with VAT", foot["gross"], net + tax)
    yield from _difference("amount due", foot["payable"], net + tax)


def _number(node: Element, path: str) -> Decimal:
    return Decimal(node.findtext(path) or "missing")


def _rounded(amount: Decimal, currency: str | None) -> Decimal:
    return round_amount(Money(amount=amount, currency_code=currency or "")).amount


def _difference(what: str, stated: Decimal, computed: Decimal) -> Iterator[str]:
    if stated != computed:
        yield f"{what} is {computed}, stated is {stated}"
