"""What could not be read: why, with its payload, and how it is read after all.

Belongs here: listing, showing and replaying quarantined messages, and what to do about each reason.
Does not belong here: the decision to quarantine (decoder), the warehouse's count of it (a message found in both places
counts as landed).

Nothing is ever deleted: the quarantine is part of the record.
"""

from ingest.quarantine.advice import advice
from ingest.quarantine.replays import Refusal, ReplayReport, replay, replay_waiting
from ingest.quarantine.shelf import (
    REPLAY_ID,
    Quarantine,
    QuarantinedMessage,
    ReasonCount,
    Selection,
    WholeMessage,
    read_quarantine,
    show,
)

__all__ = [
    "REPLAY_ID",
    "Quarantine",
    "QuarantinedMessage",
    "ReasonCount",
    "Refusal",
    "ReplayReport",
    "Selection",
    "WholeMessage",
    "advice",
    "read_quarantine",
    "replay",
    "replay_waiting",
    "show",
]
