"""Versions of a contract's terms with their dates, billing periods other than months, stretches of an asset.

Revision ID: 2026_11_25_contract_versions
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_contract_versions"
down_revision = "2026_11_25_meter_boundaries"
branch_labels = None
depends_on = None

PERIODS = (
    "billing_period IN ('month')",
    "billing_period IN ('month', 'quarter', 'half_year', 'year')",
)


def upgrade() -> None:
    op.add_column("contract", sa.Column("effective_date", sa.Date(), nullable=True))
    op.add_column("contract", sa.Column("anchor_date", sa.Date(), nullable=True))
    op.create_table(
        "contract_version",
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("contract_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.contract_id"], name=op.f("fk_contract_version_contract_id")
        ),
        sa.PrimaryKeyConstraint("contract_id", "contract_version", name=op.f("pk_contract_version")),
    )
    op.add_column("contract_asset", sa.Column("replaces_physical_asset_id", sa.Text(), nullable=True))
    _set_key("contract_id", "physical_asset_id", "covered_from_date")
    _replace_check(old=0, new=1)


def downgrade() -> None:
    # An earlier program knows months only, and one stretch of an asset: what it cannot say is refused by the keys.
    _replace_check(old=1, new=0)
    _set_key("contract_id", "physical_asset_id")
    op.drop_column("contract_asset", "replaces_physical_asset_id")
    op.drop_table("contract_version")
    for column in ("anchor_date", "effective_date"):
        op.drop_column("contract", column)


def _set_key(*columns: str) -> None:
    """The key of contract_asset, to which nothing refers; SQLite has no ALTER for it, so the table is built anew."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("pk_contract_asset", "contract_asset", type_="primary")
        op.create_primary_key("pk_contract_asset", "contract_asset", list(columns))
        return
    names = ("contract_id", "physical_asset_id", "covered_from_date", "covered_until_date")
    op.create_table(
        "contract_asset_anew",
        sa.Column(names[0], sa.Text(), nullable=False),
        sa.Column(names[1], sa.Text(), nullable=False),
        sa.Column(names[2], sa.Date(), nullable=False),
        sa.Column(names[3], sa.Date(), nullable=True),
        sa.Column("replaces_physical_asset_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.contract_id"], name=op.f("fk_contract_asset_contract_id")),
        sa.ForeignKeyConstraint(
            ["physical_asset_id"],
            ["physical_asset.physical_asset_id"],
            name=op.f("fk_contract_asset_physical_asset_id"),
        ),
        sa.PrimaryKeyConstraint(*columns, name=op.f("pk_contract_asset")),
    )
    told = ", ".join((*names, "replaces_physical_asset_id"))
    op.execute(f"INSERT INTO contract_asset_anew ({told}) SELECT {told} FROM contract_asset")  # noqa: S608 (names above)
    op.drop_table("contract_asset")
    op.rename_table("contract_asset_anew", "contract_asset")


def _replace_check(*, old: int, new: int) -> None:
    """Which billing periods there are.

    SQLite has no ALTER for a CHECK, and building the table anew would break every reference to it. Its own manual
    (lang_altertable.html, "Making Other Kinds Of Table Schema Changes") gives this way where no content changes.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE contract DROP CONSTRAINT ck_contract_billing_period")
        op.execute(f"ALTER TABLE contract ADD CONSTRAINT ck_contract_billing_period CHECK ({PERIODS[new]})")
        return
    bind = op.get_bind()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'contract'",
        (PERIODS[old], PERIODS[new]),
    )
    bind.exec_driver_sql("PRAGMA writable_schema = RESET")
