"""The base amount: the fixed fee that a credit, a bonus or a cap is a percentage of, as it is charged in the period.

Belongs here: finding it by its term. Does not belong here: the percentage (each rule's own).
"""

from __future__ import annotations

from models.billing.rating.charge import minor_unit_of
from models.billing.rating.flat_fee import FlatFeeParameters
from models.billing.rating.indexation import indexed_fee
from models.billing.rating.line import RuleInput, read_parameters
from models.billing.terms import Contract, Term
from models.errors import RatingError
from models.money import Money, round_amount

BASE_RULES = ("flat_fee", "indexed_flat_fee")


def base_term_of(contract: Contract, *, term_id: str, base_term: str) -> Term:
    """The contract's fixed fee of that name, which the term `term_id` refers to.

    Raises RatingError where there is none.
    """
    for term in contract.terms:
        if term.term_id == base_term and term.rule in BASE_RULES:
            return term
    raise RatingError(
        f"Term {term_id} takes its credit from {base_term!r}, which is no {' or '.join(BASE_RULES)} term of "
        f"contract {contract.contract_id}; name one that is."
    )


def base_amount_of(given: RuleInput, base_term: str) -> Money:
    """What that fee charges: in full, or for the share of the period that is covered, where the fee is prorated.

    Raises RatingError where there is no such fee.
    """
    term = base_term_of(given.contract, term_id=given.term.term_id, base_term=base_term)
    currency_code = given.contract.currency_code
    if term.rule == "indexed_flat_fee":
        fee = indexed_fee(given._replace(term=term, checked=None))
        return round_amount(Money(fee.rate, currency_code))
    agreed = read_parameters(term, FlatFeeParameters)
    if not agreed.is_prorated or given.share.is_whole:
        return Money(agreed.amount, currency_code)
    charged = given.share.of(agreed.amount, minor_unit=minor_unit_of(currency_code))
    return Money(charged, currency_code)
