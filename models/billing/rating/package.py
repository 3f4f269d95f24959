"""Package: a price per started (or whole) package of units.

    packages = round(quantity / package_size), up by default
    amount   = packages x package_price

Packages are counted on the whole quantity of the period, never on a split of it: 1,400 and then 1,300 units are three
packages of a thousand, not four. Free units are `included_quantity`.
"""

from __future__ import annotations

from pydantic import Field

from models.billing.rating.charge import EACH, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.quantity import MeteredParameters
from models.billing.rating.unit_conversion import Rounding, divided, rounding_words
from models.exact import ExactNumber, plain_text


class PackageParameters(MeteredParameters):
    """`package_price` for each `package_size` units; `rounding` says what a package that is not full costs."""

    package_size: ExactNumber = Field(gt=0)
    package_price: ExactNumber = Field(ge=0)
    rounding: Rounding = "up"


def package_charges(parameters: PackageParameters, basis: Basis) -> tuple[Charge]:
    """One charge."""
    packages = divided(basis.quantity, parameters.package_size, rounding=parameters.rounding)
    return (Charge(packages, parameters.package_price, "packages", unit_code=EACH),)


def explain_package(parameters: PackageParameters, basis: Basis, charge: Charge) -> Reasons:
    """How many packages the quantity fills."""
    size = plain_text(parameters.package_size)
    return Reasons(
        formula="packages x package_price; packages = quantity / package_size, rounded to whole ones",
        steps=(
            (
                f"{plain_text(basis.quantity)} / {size}, {rounding_words(parameters.rounding)}, is "
                f"{plain_text(charge.quantity)} package(s)"
            ),
        ),
        inputs={"priced_quantity": plain_text(basis.quantity)},
        label=f", packages of {size} {basis.unit_code}",
    )


PACKAGE = Pricing(parameters=PackageParameters, charges=package_charges, explain=explain_package)
