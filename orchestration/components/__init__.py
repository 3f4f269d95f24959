"""Components: what is instantiated several times and differs only in data."""

from orchestration.components.partner_feed import PartnerFeed

__all__ = ["PartnerFeed"]
