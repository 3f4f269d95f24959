"""The base amount: the flat fee that a credit, a bonus or a cap is a percentage of.

Belongs here: finding it by its term. Does not belong here: the percentage (each rule's own).
"""

from __future__ import annotations

from models.billing.rating.flat_fee import FlatFeeParameters
from models.billing.rating.line import RuleInput, read_parameters
from models.errors import RatingError
from models.money import Money


def base_amount_of(given: RuleInput, base_term: str) -> Money:
    """The amount of the contract's flat fee of that name.

    Raises RatingError where there is none.
    """
    for term in given.contract.terms:
        if term.term_id == base_term and term.rule == "flat_fee":
            return Money(read_parameters(term, FlatFeeParameters).amount, given.contract.currency_code)
    raise RatingError(
        f"Term {given.term.term_id} takes its credit from {base_term!r}, which is no flat_fee term of "
        f"contract {given.contract.contract_id}; name one that is."
    )
