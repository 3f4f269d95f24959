"""The rating run on a warehouse and a store: a running month, its end, its draft, and each reason that blocks it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Engine

from models.billing.invoicing import issue_invoice, list_invoices
from models.store import sessions
from orchestration.billing import draft_invoices
from orchestration.billing.corrections import find_corrections
from orchestration.billing.rated_rows import is_landed_current, land_rating
from orchestration.settings import Deployment, load_deployment
from orchestration.transform.invocation import CommandResult, NodeResult
from tests.builders.contracts import ASSET, a_contract
from tests.builders.enterprise import a_store
from tests.builders.metered import write_march

MARCH_ID = f"eaas-cnc-hamburg.{ASSET}.2026-03"
MID_MARCH = datetime(2026, 3, 15, 12)  # noqa: DTZ001 - the warehouse keeps UTC without a zone
COLLECTED = "every_asset_is_collected_past_the_period"
COMPLETE = "completeness_is_what_the_contract_asks"
HELD = "no_usage_is_held"
GREEN = "checks_of_metering_are_green"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.delenv("LINESHAFT_DATABASE_URL", raising=False)
    monkeypatch.delenv("LINESHAFT_DEPLOYMENT", raising=False)
    return load_deployment(home=tmp_path)


@pytest.fixture
def engine(deployment: Deployment) -> Iterator[Engine]:
    with a_store(deployment.home, a_contract()) as opened:
        yield opened


def rows(deployment: Deployment, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(deployment.warehouse_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_running_month_is_rated_from_the_usage_so_far(deployment: Deployment, engine: Engine) -> None:
    write_march(deployment.home, hours="100", parts="5000", collected_until=MID_MARCH)
    landed = land_rating(deployment)
    assert {
        row[0]: row[1] for row in rows(deployment, "select term_id, sum(line_amount) from rating.rated_line group by 1")
    } == {
        "base_fee": Decimal(8000),
        "running_hours": Decimal(1180),  # 100 h at 11.80
        "good_parts": Decimal(2150),  # 4000 at 0.46 and 1000 at 0.31
        "availability": Decimal(-800),  # 95 % of 97 %: two points at 5 % of 8000
    }
    assert landed.run.totals["EUR"].amount == Decimal(10530)
    assert rows(deployment, "select waiting_kind from rating.rated_period") == [("not_collected",)]


def test_the_last_rating_of_a_month_is_its_draft_to_the_cent(deployment: Deployment, engine: Engine) -> None:
    write_march(deployment.home, hours="300.0137", parts="12345")
    land_rating(deployment)
    report = draft_invoices(deployment, "2026-03")
    assert report.is_ready
    with sessions(engine).begin() as session:
        (drawn,) = list_invoices(session)
        lines = [
            (line.line_number, line.term_id, line.quantity, line.unit_price, line.line_extension_amount)
            for line in _lines(session)
        ]
    assert rows(deployment, "select rated_amount from rating.rated_period") == [(drawn.tax_exclusive_amount,)]
    assert (
        rows(
            deployment,
            "select line_number, term_id, quantity, unit_price, line_amount from rating.rated_line order by 1",
        )
        == lines
    )


def _lines(session: Any) -> Any:
    from models.billing.invoice_view import invoice_row

    return invoice_row(session, MARCH_ID).lines


def test_a_document_drawn_since_the_landing_makes_it_old(deployment: Deployment, engine: Engine) -> None:
    path = write_march(deployment.home)
    land_rating(deployment)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema revenue; create table revenue.fct_revenue_per_term (term_id varchar)")
    assert is_landed_current(deployment)
    draft_invoices(deployment, "2026-03")
    assert not is_landed_current(deployment)


def test_what_was_issued_and_is_rated_otherwise_today_is_listed_and_nothing_is_issued(
    deployment: Deployment, engine: Engine
) -> None:
    write_march(deployment.home)
    draft_invoices(deployment, "2026-03")
    with sessions(engine).begin() as session:
        issue_invoice(session, invoice_id=MARCH_ID, issued_at=datetime(2026, 4, 2, tzinfo=UTC))
    assert find_corrections(deployment).corrections == ()

    write_march(deployment.home, hours="301")
    report = find_corrections(deployment)
    assert [(one.invoice_id, len(one.differences)) for one in report.corrections] == [(MARCH_ID, 2)]
    assert "running_hours 300 HUR at 11.8 = 3540" in report.corrections[0].differences[0]
    assert report.drawn == ()
    with sessions(engine).begin() as session:
        assert [each.status for each in list_invoices(session)] == ["issued"]


class DbtThatSays:
    """The dbt session as far as drafting asks it: what testing the billed marts came to."""

    def __init__(self, *failed: str) -> None:
        self.failed = failed

    def test(self, *, select: str) -> CommandResult:
        assert "fct_metered_usage_per_month" in select
        nodes = tuple(
            NodeResult(
                unique_id=f"test.lineshaft.{name}.0",
                status="fail",
                seconds=0.0,
                message="Got 3 results",
                failure_count=3,
            )
            for name in self.failed
        )
        return CommandResult(nodes=nodes, exception=None)


# sqlglot, which dagster-dbt imports, warns of an accelerator of its own that some other tool may have installed.
@pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Parameter .execution_type.:dagster_shared.utils.warnings.BetaWarning")
@pytest.mark.parametrize(
    ("given", "failed_tests", "blocks", "reason"),
    [
        ({}, (), None, ""),
        ({"collected_until": MID_MARCH}, (), COLLECTED, "is collected until 2026-03-15 12:00Z only"),
        ({"completeness": 0.25}, (), COMPLETE, "only 25.0% of 2026-03 is covered"),
        ({"quantity_flag": "held"}, (), HELD, "fell without a declared replacement"),
        ({}, ("fct_metered_segments_chain",), GREEN, "Got 3 results"),
    ],
    ids=["ready", "not_collected", "incomplete", "held", "red"],
)
def test_each_reason_blocks_by_itself_and_says_so(
    deployment: Deployment,
    engine: Engine,
    given: dict[str, Any],
    failed_tests: tuple[str, ...],
    blocks: str | None,
    reason: str,
) -> None:
    import dagster as dg

    from orchestration.defs.billing.invoices import invoice_drafts, invoices_issued

    write_march(deployment.home, **given)
    result = dg.materialize(
        [invoice_drafts, invoices_issued],
        partition_key="2026-03",
        resources={"deployment": deployment, "dbt": DbtThatSays(*failed_tests)},
        raise_on_error=False,
    )
    failed = {one.check_name: str(one.metadata) for one in result.get_asset_check_evaluations() if not one.passed}
    assert set(failed) == ({blocks} if blocks else set())
    with sessions(engine).begin() as session:
        numbers = [each.invoice_number for each in list_invoices(session) if each.invoice_number]
    if blocks is None:
        assert result.success
        assert numbers == ["WELLER-2026-000001"]
    else:
        assert reason in failed[blocks]
        assert not result.success
        assert numbers == []


@pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning")
def test_nothing_about_invoices_starts_by_itself() -> None:
    from orchestration.defs.billing.invoices import (
        invoice_corrections,
        invoice_drafts,
        invoices_approved,
        invoices_issued,
    )

    for asset in (invoice_drafts, invoices_approved, invoices_issued, invoice_corrections):
        assert [spec.automation_condition for spec in asset.specs] == [None]


@pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Parameter .execution_type.:dagster_shared.utils.warnings.BetaWarning")
def test_where_approval_is_required_nothing_is_issued_before_somebody_approved(
    deployment: Deployment, engine: Engine
) -> None:
    import dagster as dg

    from orchestration.defs.billing.invoices import invoice_drafts, invoices_approved, invoices_issued

    deployment = deployment.model_copy(update={"approval": "required"})
    write_march(deployment.home)

    def run(*assets: dg.AssetsDefinition, **config: Any) -> None:
        resources = {"deployment": deployment, "dbt": DbtThatSays()}
        assert dg.materialize(
            [*assets],
            partition_key="2026-03",
            resources=resources,
            run_config={"ops": {"billing__invoices_approved": {"config": config}}} if config else None,
        ).success

    def statuses() -> list[str]:
        with sessions(engine).begin() as session:
            return [each.status for each in list_invoices(session)]

    run(invoice_drafts, invoices_issued)
    assert statuses() == ["draft"]
    run(invoices_approved, approved_by="m.keller")
    assert statuses() == ["approved"]
    run(invoices_issued)
    assert statuses() == ["issued"]
