"""Pictures of now for tests: a site's current values, written as the collector writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ingest.current_state import CurrentState
from ingest.decoder import SiteDecoder
from tests.builders.sparkplug import a_json_site, an_arrival

AT = 1_772_323_200_000
"""2026-03-01T00:00Z in ms."""


class Picture:
    """One JSON site that says values and is saved when told to."""

    def __init__(self, home: Path, *, part: str | None = None) -> None:
        self._decoder = SiteDecoder(a_json_site())
        self._state = CurrentState(home, site_id="monterrey", part=part)

    def says(self, values: Mapping[str, int], *, at: int = AT) -> None:
        """Values by the last level of their topic, and the snapshot with them."""
        arrivals = [
            an_arrival(f"meridian/monterrey/a/cnc_201/{name}", f'{{"timestamp": {at}, "v": {value}}}')
            for name, value in values.items()
        ]
        self._state.apply(self._decoder.decode(arrivals, now=0))
        self._state.save()
