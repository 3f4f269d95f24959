"""`lineshaft invoice`: draft, issue, show, credit, correct, verify and bundle.

Does not belong here: the steps that only note who did what (invoice_steps), postings (accounting).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.console import Json, print_json, print_table, progress, say
from orchestration.commands.invoice_steps import By, Period, person, print_steps

if TYPE_CHECKING:
    from models.billing.invoicing import InvoiceSummary

app = typer.Typer(
    no_args_is_help=True,
    help="Machine use as invoices: draft, approve, issue, send and show them, verify one, credit it.",
)

IssuedOn = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The date on the document; default: today."),
]


@app.command()
def draft(
    billing_period: Annotated[str | None, typer.Argument(help="The billing month, as in 2026-03.")] = None,
    period: Annotated[str | None, typer.Option("--period", help="The same, as an option.")] = None,
    rate_card: Annotated[
        Path | None,
        typer.Option(
            "--rate-card",
            exists=True,
            dir_okay=False,
            help="A rate card or contract file: compare its price with the agreed one over that month; store nothing.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Rate a month and draw its drafts. Drawing again replaces drafts that changed, never what was issued."""
    from orchestration.billing import draft_invoices
    from orchestration.settings import load_deployment

    if (billing_period is None) == (period is None):
        raise typer.BadParameter("name the month once, as in 2026-03.", param_hint="--period")
    billing_period = str(billing_period or period)
    if rate_card is not None:
        _print_comparison(rate_card, billing_period, as_json=as_json)
        return
    with progress("draft") as report:
        drawn = draft_invoices(load_deployment(), billing_period, on_progress=report)
    if as_json:
        print_json({"outcomes": drawn.outcomes, "blocked": drawn.blocked, "is_ready": drawn.is_ready})
        return
    rows = [
        (outcome.invoice_id, outcome.change.replace("_", " "), "; ".join((*outcome.hold_reasons, *outcome.differences)))
        for outcome in drawn.outcomes
    ]
    rows += [
        (f"{each.contract_id}.{each.physical_asset_id}", "not drawn", "; ".join(each.reasons)) for each in drawn.blocked
    ]
    print_table(("draft", "", "why"), rows)
    say(
        f"Ready: `lineshaft invoice issue {billing_period}` numbers them."
        if drawn.is_ready
        else "Not every invoice of the month can be issued yet; the reasons stand above."
    )


@app.command()
def issue(billing_period: Period, issued_on: IssuedOn = None, by: By = "", as_json: Json = False) -> None:
    """Issue a month's drafts: number them without a gap, seal them, write PDF and XML. Again, it changes nothing."""
    from orchestration.billing import issue_invoices
    from orchestration.settings import load_deployment

    with progress("issue") as report:
        done = issue_invoices(
            load_deployment(),
            billing_period,
            issued_on=issued_on.date() if issued_on else None,
            issued_by=person(by),
            on_progress=report,
        )
    if as_json:
        print_json({"issued": done.issued, "blocked": done.blocked})
    else:
        print_table(
            ("number", "", "due", "document"),
            [
                (
                    each.invoice.invoice_number,
                    "issued" if each.invoice.is_new else "was issued",
                    each.invoice.due_date,
                    each.pdf,
                )
                for each in done.issued
            ],
        )
        for each in done.blocked:
            say(f"not issued: {each.contract_id} {each.physical_asset_id}: {'; '.join(each.reasons)}")
    if done.blocked:
        raise typer.Exit(1)


@app.command()
def show(
    number: Annotated[
        str | None, typer.Argument(help="An invoice's number or a draft's id; without it, all are listed.")
    ] = None,
    billing_period: Annotated[str | None, typer.Option("--period", help="List only this month.")] = None,
    as_json: Json = False,
) -> None:
    """List drafts, invoices and credit notes, or show one with its lines and, for each, the readings it came from.

    A credit note is listed with negative amounts, so that the list adds up; the document itself shows them positive.
    """
    from models.billing.invoice_view import invoice_document
    from models.billing.invoicing import list_invoices
    from models.billing.life_cycle import invoice_steps
    from orchestration.billing.proof import operations

    with operations() as session:
        summaries = list_invoices(session, billing_period=billing_period)
        found = _find(summaries, number) if number else None
        document = invoice_document(session, found.invoice_id) if found else None
        steps = invoice_steps(session, found.invoice_id) if found else ()
    if document is None:
        _print_list(summaries, as_json=as_json)
    elif as_json:
        print_json(document)
    else:
        print_steps(steps)
        _print_document(document)
        if found and found.credited_by:
            say(f"credited in full by {found.credited_by}")


@app.command()
def credit(
    number: Annotated[str, typer.Argument(help="The issued invoice's number, as `lineshaft invoice show` lists it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a line; it stands on the credit note.")],
    issued_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The date on the credit note; default: today in the contract's zone."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take an issued invoice back in full by a credit note; its month can then be drafted and issued again.

    The invoice itself never changes. Crediting it again changes nothing and shows the credit note there is.
    """
    from orchestration.billing.crediting import credit_issued
    from orchestration.settings import load_deployment

    done = credit_issued(load_deployment(), number, reason=reason, issued_on=issued_on.date() if issued_on else None)
    if as_json:
        print_json(done)
        return
    made = "credited by" if done.credit_note.is_new else "had been credited by"
    say(
        f"{done.invoice_number} {made} {done.credit_note.invoice_number} of {done.credit_note.issued_on}: {done.reason}"
    )
    say(f"{done.pdf}")
    say(f"To bill the month again: `lineshaft invoice draft {done.billing_period}`, then issue it.")


@app.command()
def correct(
    billing_period: Annotated[str, typer.Option("--period", help="The billing month, as in 2026-03.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a line; it stands on the correction.")],
    number: Annotated[str | None, typer.Option("--invoice", help="Correct only the invoice of this number.")] = None,
    issued_on: IssuedOn = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Bill or credit what late and corrected readings change in issued invoices, on their own service period.

    The whole month is rated again under the same terms; what differs from what was billed becomes one document per
    invoice. Where nothing differs nothing happens.
    """
    from orchestration.billing.correcting import correct_invoices
    from orchestration.settings import load_deployment

    done = correct_invoices(
        load_deployment(),
        billing_period,
        reason=reason,
        invoice_number=number,
        issued_on=issued_on.date() if issued_on else None,
        issued_by=person(by),
    )
    if as_json:
        print_json({"corrected": done.corrected, "blocked": done.blocked})
    else:
        for one in done.corrected:
            made = one.correction
            if made.document is None:
                say(f"{made.invoice_number} is right as billed")
            else:
                say(f"{made.invoice_number} corrected by {made.document.invoice_number}: {made.difference}")
                say(f"{one.pdf}")
        for each in done.blocked:
            say(f"not corrected: {each.contract_id} {each.physical_asset_id}: {'; '.join(each.reasons)}")
    if done.blocked:
        raise typer.Exit(1)


@app.command()
def verify(
    invoice: Annotated[
        str,
        typer.Argument(help="A PDF, XML or evidence bundle that was sent, or the number of an invoice in the store."),
    ],
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", help="The seller's public key, known beforehand: it must have signed the copy."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove an invoice: recompute its quantities from readings, its lines from terms, its totals and its seal.

    A file that was sent is proven from itself alone, offline. A number is also held against the seller's chain of seals
    and against the landed files that the readings name. Exits with 1 and names what does not hold.
    """
    from orchestration.billing.proof import is_copy, read_key_file, verify_copy, verify_issued
    from orchestration.settings import load_deployment

    path = Path(invoice)
    with progress("verify") as report:
        report("recomputing", 0.1)
        verdict = verify_copy(path, public_key=read_key_file(public_key)) if is_copy(invoice) else None
        findings = verdict.findings if verdict else verify_issued(load_deployment(), invoice)
    if as_json:
        print_json(findings)
    elif findings:
        for each in findings:
            say(f"{each.check}{f', line {each.line_number}' if each.line_number else ''}: {each.sentence}")
    else:
        say(f"{invoice} holds: quantities follow from their readings, lines from their terms, and the seal fits.")
    if verdict is not None and not as_json:
        for lack in verdict.lacks:
            say(f"lacking: {lack}")
        if verdict.public_key is not None and public_key is None:
            say(f"signed by {verdict.public_key}; `--public-key` holds it against the key the seller gave you")
    if findings:
        raise typer.Exit(1)


@app.command()
def bundle(
    number: Annotated[str, typer.Argument(help="The issued invoice's number, as `lineshaft invoice show` lists it.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: <number>.evidence.json.gz.")] = None,
) -> None:
    """Write the evidence bundle of an invoice: content, hashes, signature and, once its day is over, its checkpoint."""
    from orchestration.billing.proof import evidence_bundle
    from orchestration.settings import load_deployment

    content = evidence_bundle(load_deployment(), number)
    path = output or Path(f"{number}.evidence.json.gz")
    path.write_bytes(content)
    say(f"{path}: {len(content):,} bytes")


def _print_comparison(rate_card: Path, billing_period: str, *, as_json: bool) -> None:
    from orchestration.billing.what_if import compare_prices
    from orchestration.settings import load_deployment

    found = compare_prices(load_deployment(), billing_period, rate_card=rate_card)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.contract_id,
            one.physical_asset_id,
            f"{one.old.amount:,.2f}",
            f"{one.new.amount:,.2f}",
            f"{one.difference.amount:+,.2f}",
            one.old.currency_code,
            "; ".join(one.hold_reasons),
        )
        for one in found.compared
    ]
    print_table(("contract", "physical asset", "agreed", "considered", "difference", "", "held"), rows)
    for all_of in found.totals:
        say(f"agreed {all_of.old}, under {found.rate_card} {all_of.new}: a difference of {all_of.difference}")
    say("Net amounts; nothing was stored.")


def _find(summaries: tuple[InvoiceSummary, ...], number: str) -> InvoiceSummary:
    from orchestration.errors import NotReadyError

    for each in summaries:
        if number in {each.invoice_number, each.invoice_id}:
            return each
    raise NotReadyError(f"There is no invoice or draft '{number}'; `lineshaft invoice show` lists them.")


def _print_list(summaries: tuple[InvoiceSummary, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(summaries)
        return
    print_table(
        ("number", "type", "status", "contract", "physical asset", "period", "net", "tax", "payable", ""),
        [
            (
                each.invoice_number or "–",
                each.document_type.replace("_", " "),
                "credited" if each.credited_by else each.status,
                each.contract_id,
                each.physical_asset_id,
                each.billing_period,
                f"{each.tax_exclusive_amount:,.2f}",
                f"{each.tax_amount:,.2f}",
                f"{each.payable_amount:,.2f}",
                each.currency_code,
            )
            for each in summaries
        ],
    )
    from models.billing.life_cycle import OWED

    billed = [each for each in summaries if each.status in OWED]
    for currency in sorted({each.currency_code for each in billed}):
        owed = sum(each.payable_amount for each in billed if each.currency_code == currency)
        say(f"issued, less credit notes: {owed:,.2f} {currency}")


def _print_document(document: object) -> None:
    from typing import cast

    from models.billing.correction_lines import is_correction
    from models.billing.document_model import InvoiceDocument

    invoice = cast("InvoiceDocument", document)
    is_credit_note = invoice.document_type == "credit_note"
    corrects = is_correction(invoice)
    say(f"{invoice.invoice_number or 'DRAFT'}  {invoice.seller.legal_name} → {invoice.buyer.legal_name}")
    say(f"{invoice.asset_model_name}, serial number {invoice.serial_number}, {invoice.contract_name}")
    say(f"{invoice.period_first_day} to {invoice.period_last_day} ({invoice.time_zone})")
    if corrects:
        say(f"Corrects {invoice.preceding_invoice_number}: {invoice.credit_reason}")
    elif is_credit_note:
        say(f"Credit note for {invoice.preceding_invoice_number}: {invoice.credit_reason}")
    say()
    print_table(
        ("", "line", "quantity", "unit", "price", "net"),
        [
            (
                line.line_number,
                line.description,
                f"{line.quantity.normalize():,f}",
                line.unit_code,
                f"{line.unit_price:,}",
                f"{line.line_extension_amount:,.2f}",
            )
            for line in invoice.lines
        ],
    )
    for line in invoice.lines:
        for segment in line.segments:
            for name, reading in (("opening", segment.opening), ("closing", segment.closing)):
                say(
                    f"line {line.line_number} {segment.segment_kind} {name}: {reading.value:f} {reading.unit_code} "
                    f"at {reading.at:%Y-%m-%d %H:%M:%S}Z, row {reading.file_row} of {reading.landed_file}"
                )
    total = f"{invoice.payable_amount:,.2f} {invoice.currency_code}"
    say(
        f"\nnet {invoice.tax_exclusive_amount:,.2f}  tax {invoice.tax_amount:,.2f}  "
        + (f"credited {total}" if is_credit_note else f"payable {total}  due {invoice.due_date or '–'}")
    )
