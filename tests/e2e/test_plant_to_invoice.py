"""One story: three plants publish for 37 days, and in the end there are invoices, right to the cent and provable."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from lxml import etree
from pypdf import PdfReader

from ingest.landing import read_manifests
from models.billing.documents.validation import business_rule_findings, schema_findings
from tests.e2e.conftest import Demo, lineshaft

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def invoices(demo: Demo) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(lineshaft(demo.home, "invoice", "show", "--json"))
    return listed


def test_every_published_message_is_landed_or_quarantined_and_none_twice(demo: Demo) -> None:
    record = json.loads((demo.home / "demo.json").read_text())["publication"]
    with duckdb.connect(str(demo.home / "warehouse.duckdb"), read_only=True) as warehouse:
        count = warehouse.execute(
            "select (select count(*) from raw.message), (select count(distinct message_id) from raw.message), "
            "(select count(distinct message_id) from raw.quarantined_message)"
        ).fetchall()[0]
    assert record["published"] > 50_000
    assert record["redelivered"] > 0
    assert count[0] == count[1]
    assert record["distinct"] == count[0] + count[2]
    assert count[2] == sum(record["expected_quarantine"].values()) > 0
    assert f"{record['distinct']:,} published = {count[0]:,} landed + {count[2]:,} quarantined" in demo.summary


def test_the_summary_says_what_a_newcomer_wants_to_know(demo: Demo) -> None:
    for word in (
        "published",
        "quarantined",
        "doubled",
        "hamburg",
        "monterrey",
        "pune",
        "Machines at risk",
        "Next, try",
    ):
        assert word in demo.summary
    assert "14 issued (WELLER-2026-000001 to WELLER-2026-000014)" in demo.summary


def test_nothing_calls_home(demo: Demo) -> None:
    """Broker, collector, plant, Dagster, dbt and Great Expectations, in every process: nobody beyond this machine."""
    noted = (demo.home / "outside.log").read_text().splitlines()
    assert noted.count("watching") >= 3
    assert [line for line in noted if line != "watching"] == []


def test_the_demo_run_again_changes_nothing_and_says_so(demo: Demo) -> None:
    before = {path: path.read_bytes() for path in sorted((demo.home / "invoices").iterdir())}
    files = sorted(path for path in (demo.home / "landing").rglob("*") if path.is_file())
    assert "Nothing changed" in lineshaft(demo.home, "demo")
    assert {path: path.read_bytes() for path in sorted((demo.home / "invoices").iterdir())} == before
    assert sorted(path for path in (demo.home / "landing").rglob("*") if path.is_file()) == files


def test_an_invoice_line_is_the_difference_of_two_landed_counter_readings_to_the_cent(
    demo: Demo, invoices: list[dict[str, Any]]
) -> None:
    """Computed again from the landed files alone, by hand, for a machining centre with price steps."""
    start, end = datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)  # March in Hamburg
    good = landed_counter(demo.home, site_id="hamburg", device_id="cnc_101", metric_name="Counters/Good")
    parts = last_at(good, end) - last_at(good, start)
    running = landed_counter(demo.home, site_id="hamburg", device_id="cnc_101", metric_name="Counters/RunningTime")
    seconds = last_at(running, end) - last_at(running, start)
    steps = [min(parts, Decimal(4000)), max(min(parts, Decimal(9000)) - 4000, 0), max(parts - 9000, 0)]
    hours = (Decimal(seconds) / 3600).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    priced = [*zip(steps, map(Decimal, ("0.46", "0.39", "0.31")), strict=True), (hours, Decimal("11.80"))]
    amounts = [(quantity * price).quantize(CENT, ROUND_HALF_UP) for quantity, price in priced if quantity]
    invoice = next(each for each in invoices if each["physical_asset_id"] == "weller-mc630-1041")
    assert Decimal(invoice["tax_exclusive_amount"]) == sum(amounts)
    assert Decimal(invoice["tax_amount"]) == (sum(amounts) * Decimal("0.19")).quantize(CENT, ROUND_HALF_UP)


def test_a_counter_that_rolled_over_is_billed_across_its_modulus(demo: Demo, invoices: list[dict[str, Any]]) -> None:
    start, end = datetime(2026, 2, 28, 18, 30, tzinfo=UTC), datetime(2026, 3, 31, 18, 30, tzinfo=UTC)  # March in Pune
    litres = landed_counter(demo.home, site_id="pune", device_id="comp_301", metric_name="Counters/AirVolume")
    used = (last_at(litres, end) + 1_000_000_000 - last_at(litres, start)) / 1000
    shown = json.loads(lineshaft(demo.home, "invoice", "show", number_of(invoices, "weller-ax75-2231"), "--json"))
    air = next(line for line in shown["lines"] if line["term_id"] == "air")
    assert "rollover" in {segment["segment_kind"] for segment in air["segments"]}
    assert sum(Decimal(segment["quantity"]) for segment in air["segments"]) == used
    assert Decimal(air["quantity"]) == used.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def test_a_replaced_counter_is_billed_by_its_declared_readings(demo: Demo, invoices: list[dict[str, Any]]) -> None:
    shown = json.loads(lineshaft(demo.home, "invoice", "show", number_of(invoices, "weller-mc630-1089"), "--json"))
    kinds = [segment["segment_kind"] for line in shown["lines"] for segment in line["segments"]]
    assert "replacement" in kinds
    assert "held" not in kinds


def test_pdf_xml_and_database_agree_to_the_cent_and_the_xml_is_a_valid_e_invoice(
    demo: Demo, invoices: list[dict[str, Any]]
) -> None:
    assert len(invoices) == 14
    for invoice in invoices:
        xml = (demo.home / "invoices" / f"{invoice['invoice_number']}.xml").read_bytes()
        root = etree.fromstring(xml)
        totals = root.find(f".//{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
        assert totals is not None
        assert Decimal(totals.findtext(f"{RAM}TaxBasisTotalAmount")) == Decimal(invoice["tax_exclusive_amount"])
        assert Decimal(totals.findtext(f"{RAM}DuePayableAmount")) == Decimal(invoice["payable_amount"])
        pdf = PdfReader(demo.home / "invoices" / f"{invoice['invoice_number']}.pdf")
        text = " ".join(page.extract_text() for page in pdf.pages)
        assert f"{Decimal(invoice['payable_amount']):,.2f}" in text
        assert pdf.attachments["factur-x.xml"][0] == xml
        assert schema_findings(xml) == ()
        assert [found for found in business_rule_findings(xml) if found.severity == "fatal"] == []


def test_every_invoice_is_proven_from_its_pdf_and_from_the_landing_zone(
    demo: Demo, invoices: list[dict[str, Any]]
) -> None:
    for invoice in invoices[:3]:
        assert "holds" in lineshaft(demo.home, "invoice", "verify", invoice["invoice_number"])
        pdf = demo.home / "invoices" / f"{invoice['invoice_number']}.pdf"
        assert "holds" in lineshaft(demo.home / "nowhere", "invoice", "verify", str(pdf))


def test_a_customers_feed_holds_its_rows_and_no_others(demo: Demo) -> None:
    for party_id in ("baltic_rail", "volta_mobility"):
        place = demo.home / "feeds" / "customer" / party_id / "order_progress"
        rows = pq.ParquetFile(place / "order_progress.parquet").read().to_pylist()
        assert rows
        assert {row["party_id"] for row in rows} == {party_id}
        manifest = json.loads((place / "manifest.json").read_text())
        assert manifest["row_count"] == len(rows)


def test_the_serving_copy_opens_while_the_warehouse_is_being_written(demo: Demo) -> None:
    writer = duckdb.connect(str(demo.home / "warehouse.duckdb"))
    try:
        with duckdb.connect(str(demo.home / "serving" / "serving.duckdb"), read_only=True) as reader:
            sites = reader.execute("select distinct site_id from performance.fct_oee_per_shift").fetchall()
    finally:
        writer.close()
    assert {site for (site,) in sites} == {"hamburg", "monterrey", "pune"}


def test_machines_close_to_failure_are_seen_coming(demo: Demo) -> None:
    """The scenario leaves some machines worn at the end; the model never saw the wear and must name some of them."""
    at_risk = set(re.findall(r"weller-[a-z0-9]+-\d{4}", demo.summary.split("Machines at risk")[1].split("Invoices")[0]))
    worn = {"weller-mc630-1118", "weller-mc630-1102", "weller-mc630-1117", "weller-ax75-2204", "weller-ax75-2231"}
    assert len(at_risk) >= 2
    assert at_risk <= worn


def landed_counter(home: Path, *, site_id: str, device_id: str, metric_name: str) -> list[tuple[datetime, Decimal]]:
    """Every landed reading of one counter, by time."""
    found: set[tuple[datetime, Decimal]] = set()
    for manifest in read_manifests(home):
        for file in manifest.files:
            if file.kind == "readings" and file.site_id == site_id:
                table = pq.ParquetFile(home / file.path).read(["device_id", "metric_name", "event_at", "value_decimal"])
                found |= {
                    (row["event_at"].replace(tzinfo=UTC), row["value_decimal"])
                    for row in table.to_pylist()
                    if (row["device_id"], row["metric_name"]) == (device_id, metric_name)
                    and row["value_decimal"] is not None
                }
    return sorted(found)


def last_at(readings: list[tuple[datetime, Decimal]], boundary: datetime) -> Decimal:
    return [value for at, value in readings if at <= boundary][-1]


def number_of(invoices: list[dict[str, Any]], physical_asset_id: str) -> str:
    return next(str(each["invoice_number"]) for each in invoices if each["physical_asset_id"] == physical_asset_id)
