"""A price that is considered, not agreed: terms to set against what was billed.

Belongs here: the rate card's file, and a contract with its terms exchanged. Does not belong here: agreed contracts
(contract_documents.py), usage, or any amount (models.billing.rating).

The file is a rate card (`name`, `currency_code`, `terms`, and `contract_ids` where it is meant for some contracts only)
or a whole contract file, whose terms are then tried on the contract of that id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from models.billing.contract_documents import ContractDocument, TermDocument
from models.billing.rating import check_terms
from models.billing.terms import Contract, Term
from models.errors import DocumentError, RatingError
from models.yaml_files import Document, Identifier, Text, read_mapping, refusal


class RateCardDocument(Document):
    """A rate card file; without `contract_ids` it is tried on every contract of its currency."""

    name: Text
    currency_code: str
    contract_ids: tuple[Identifier, ...] = ()
    terms: Annotated[tuple[TermDocument, ...], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class RateCard:
    """Terms in one currency, and the contracts they are meant for; none named means all of that currency."""

    name: str
    currency_code: str
    contract_ids: tuple[str, ...]
    terms: tuple[Term, ...]

    def is_meant_for(self, contract: Contract) -> bool:
        """Whether the contract is priced in the card's currency and, where some are named, among them."""
        return contract.currency_code == self.currency_code and (
            not self.contract_ids or contract.contract_id in self.contract_ids
        )

    def applied_to(self, contract: Contract) -> Contract:
        """The contract as it would read under this price.

        Raises RatingError where the terms cannot be rated together.
        """
        priced = replace(contract, terms=self.terms)
        check_terms(priced)
        return priced


def load_rate_card(path: Path) -> RateCard:
    """A rate card or a contract file, read and checked.

    Raises DocumentError for a file that is neither, naming the place.
    """
    content = read_mapping(path)
    try:
        if "contract_id" in content:
            contract = ContractDocument.model_validate(content).contract()
            return RateCard(
                name=contract.name,
                currency_code=contract.currency_code,
                contract_ids=(contract.contract_id,),
                terms=contract.terms,
            )
        card = RateCardDocument.model_validate(content)
    except ValidationError as invalid:
        raise refusal(invalid, path=path) from None
    term_ids = [term.term_id for term in card.terms]
    for term_id in term_ids:
        if term_ids.count(term_id) > 1:
            raise DocumentError(f"{term_id} appears twice; keep one.", path=path, place="terms")
    return RateCard(
        name=card.name,
        currency_code=card.currency_code,
        contract_ids=card.contract_ids,
        terms=tuple(Term(position=number, **term.model_dump()) for number, term in enumerate(card.terms, start=1)),
    )


def require_known(card: RateCard, contracts: tuple[Contract, ...]) -> None:
    """Refuse a card that names a contract the store does not hold, or in another currency."""
    known = {contract.contract_id: contract for contract in contracts}
    for contract_id in card.contract_ids:
        if contract_id not in known:
            raise RatingError(f"{card.name} names contract {contract_id}, which is not in the store; name another.")
        if known[contract_id].currency_code != card.currency_code:
            raise RatingError(
                f"{card.name} is in {card.currency_code}, contract {contract_id} in "
                f"{known[contract_id].currency_code}; write the price in the contract's currency."
            )
