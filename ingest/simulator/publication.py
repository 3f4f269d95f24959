"""What was published: the sender's side of the account that the warehouse must balance.

Belongs here: counting messages as the collector will identify them. Does not belong here: publishing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Messages that reached the broker on plant topics, wills that it published for us included.

    `published` = `distinct` + `redelivered`; what lands is `distinct` less what the quarantine holds.
    """

    published: int
    distinct: int
    redelivered: int
    expected_quarantine: dict[str, int]
    by_site: dict[str, int]
    by_type: dict[str, int]
    will_count: int
    rebirth_count: int
    elapsed_s: float

    @property
    def expected_quarantine_count(self) -> int:
        """How many messages nobody can read."""
        return sum(self.expected_quarantine.values())

    def to_json(self) -> str:
        """The account as JSON text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True)


@dataclass(kw_only=True)
class Tally:
    """A publication being counted."""

    site_by_group: dict[str, str]
    published: int = 0
    will_count: int = 0
    rebirth_count: int = 0
    _seen: set[bytes] = field(default_factory=set)
    _by_site: Counter[str] = field(default_factory=Counter)
    _by_type: Counter[str] = field(default_factory=Counter)

    def count(self, *, topic: str, payload: bytes) -> None:
        """One message that reached the broker."""
        self.published += 1
        self._seen.add(hashlib.blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest())
        parts = topic.split("/")
        is_sparkplug = parts[0] == "spBv1.0"
        self._by_site[self.site_by_group.get(parts[1], parts[1]) if is_sparkplug else parts[1]] += 1
        self._by_type[parts[2] if is_sparkplug else ("event" if parts[2] == "_event" else "json")] += 1

    def publication(self, *, expected_quarantine: dict[str, int], elapsed_s: float) -> Publication:
        """The account as it stands."""
        return Publication(
            published=self.published,
            distinct=len(self._seen),
            redelivered=self.published - len(self._seen),
            expected_quarantine=dict(expected_quarantine),
            by_site=dict(sorted(self._by_site.items())),
            by_type=dict(sorted(self._by_type.items())),
            will_count=self.will_count,
            rebirth_count=self.rebirth_count,
            elapsed_s=round(elapsed_s, 3),
        )
