"""Rating: a contract, usage and availability in; lines that explain themselves out. Pure; one rule per file.

A rule is added by writing its file (a `Parameters` model and a `rate_*` function) and naming it in `rules.RULES`.
"""

from models.billing.rating.line import Explanation, RatedLine, Rating
from models.billing.rating.rules import RULES, check_terms, rate

__all__ = ["RULES", "Explanation", "RatedLine", "Rating", "check_terms", "rate"]
