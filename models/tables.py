"""Every table of the operational store, gathered: importing this module completes the metadata.

Belongs here: the list of modules that declare rows. Does not belong here: a row.
"""

from __future__ import annotations

from models import collector_lease
from models.billing import contract, invoice, life_cycle, meter, meter_decision, number_sequence
from models.billing.proof import checkpoints
from models.isa95 import calendars, equipment, material, party, state_category
from models.orm import Row

METADATA = Row.metadata
ROW_MODULES = (
    *(party, equipment, calendars, material, state_category, meter, meter_decision, contract),
    *(number_sequence, invoice, life_cycle, checkpoints),
    collector_lease,
)
