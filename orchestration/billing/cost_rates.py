"""What energy and service cost a seller at a site, from the deployment's optional `costs.yaml`.

Belongs here: reading and checking the file. Does not belong here: any margin (dbt), a price to a customer (contracts).

A rate that is not given is not known: it stays empty, and so does every margin that needs it. It is never taken for 0.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from orchestration.errors import DeploymentError

FILE_NAME = "costs.yaml"


class CostRate(BaseModel):
    """What a site's energy and service cost from a local date on, in one currency; numbers are quoted text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_id: str
    currency_code: str = Field(pattern=r"^[A-Z]{3}$")
    valid_from_date: date
    energy_price_per_kwh: Decimal | None = Field(default=None, ge=0)
    service_price_per_hour: Decimal | None = Field(default=None, ge=0)

    @field_validator("energy_price_per_kwh", "service_price_per_hour", mode="before")
    @classmethod
    def _refuse_float(cls, value: object) -> object:
        if isinstance(value, float):
            raise ValueError("write it in quotes, so that it is exact")  # noqa: TRY004 - pydantic turns it into its own
        return value


def load_cost_rates(directory: Path) -> tuple[CostRate, ...]:
    """The rates of the file, none if there is no file.

    Raises:
        DeploymentError: the file is not a list of rates, or two are for the same site and date.
    """
    import yaml

    path = directory / FILE_NAME
    if not path.is_file():
        return ()
    try:
        rates = TypeAdapter(tuple[CostRate, ...]).validate_python(
            yaml.safe_load(path.read_text(encoding="utf-8")) or []
        )
    except yaml.YAMLError as error:
        raise DeploymentError(f"{path} is not YAML: {error}") from None
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DeploymentError(f"{path}: {place}: {first['msg']}") from None
    keys = [(rate.site_id, rate.valid_from_date) for rate in rates]
    if len(set(keys)) < len(keys):
        raise DeploymentError(f"{path} gives two rates for the same site and date; keep one.")
    return rates
