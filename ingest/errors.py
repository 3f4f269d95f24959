"""What can go wrong between the wire and the landing zone.

    IngestError
    ├── MappingError          a mapping file cannot be used        (.path)
    ├── EventContractError    a contract of events is unusable     (.path)
    ├── TopicError            a topic is no plant topic            (.topic)
    ├── PayloadError          a payload cannot be understood       (.reason)
    ├── BrokerError           a broker refuses what we need        (.url)
    │   ├── SubscriptionRefused  a topic filter is not granted
    │   └── SessionTakenOver  another client carries our identity
    ├── LandingError          the landing zone cannot be written   (.path)
    ├── CollectorLocked       a collector of this id is running    (.lock)
    ├── LeaseLost             another member of the standby group may collect  (.lease)
    └── MonitoringError       nobody can listen for /metrics       (.port)

Belongs here: the tree. Does not belong here: handling; whoever can answer an error catches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import LineshaftError


class IngestError(LineshaftError):
    """Anything the ingest package raises on purpose."""


class MappingError(IngestError):
    """A site's mapping file cannot be used."""

    def __init__(self, message: str, *, path: Path | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class EventContractError(IngestError):
    """A contract of events cannot be used, or there is none."""

    def __init__(self, message: str, *, path: Path | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class TopicError(IngestError):
    """A topic does not belong to the plant's namespaces."""

    def __init__(self, message: str, *, topic: str) -> None:
        super().__init__(message)
        self.topic = topic


class PayloadError(IngestError):
    """A payload cannot be understood; `reason` is the machine word the quarantine files it under."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class BrokerError(IngestError):
    """A broker refuses a connection, a subscription or a publication we need."""

    def __init__(self, message: str, *, url: str) -> None:
        super().__init__(message)
        self.url = url


class SubscriptionRefused(BrokerError):  # noqa: N818  (what SUBACK says)
    """A broker refuses one of a site's topic filters."""


class SessionTakenOver(BrokerError):  # noqa: N818  (MQTT's own word for it)
    """Another client connected with our identity; two collectors must not fight over one session."""


class LandingError(IngestError):
    """The landing zone cannot be written; nothing is acknowledged until it can."""

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


@contextmanager
def disk_trouble_told(path: Path, *, consequence: str) -> Iterator[None]:
    """What the disk refuses inside the block, as one sentence with its consequence.

    Raises:
        LandingError: the disk refused something.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise LandingError(f"the disk refuses {where}: {error.strerror or error}; {consequence}", path=path) from error


class CollectorLocked(IngestError):  # noqa: N818  (a state, not a fault)
    """A collector with this id already runs on this home."""

    def __init__(self, message: str, *, lock: Path) -> None:
        super().__init__(message)
        self.lock = lock


class LeaseLost(IngestError):  # noqa: N818  (a state, not a fault)
    """Another member of the standby group may hold the lease by now: land nothing, acknowledge nothing."""

    def __init__(self, message: str, *, lease: str) -> None:
        super().__init__(message)
        self.lease = lease


class MonitoringError(IngestError):
    """The address for /metrics and /healthz cannot be listened on."""

    def __init__(self, message: str, *, port: int) -> None:
        super().__init__(message)
        self.port = port
