"""What an MES component must publish to plug in: one JSON Schema (draft 2020-12) per event type and version.

Belongs here: the schemas, the catalogue of them, and the check of an event against its contract.
Does not belong here: what becomes of an event that breaks it (uns.reader, quarantine).

Members beyond the contract are welcome; a missing or mistyped one is named by its path and the rule it breaks.
A file is `<event_type>.v<version>.schema.json`; `definitions.v1.schema.json` holds what they share. Within a version
only more may become allowed: a new optional member, a further code, a wider limit. Anything else is a new version,
which stands beside the old one for as long as somebody publishes it. tests/golden/event_contracts.txt holds the
published ones still.
"""

from ingest.contracts.catalogue import Catalogue, Contract
from ingest.contracts.violation import Violation, violations_in

__all__ = ["Catalogue", "Contract", "Violation", "violations_in"]
