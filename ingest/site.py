"""A site as the collector sees it: its broker, its payload family, its topics.

Belongs here: the typed form of one entry of `sites` in `lineshaft.yaml`, and the names that follow from it.
Does not belong here: reading that file (orchestration.settings), connecting (ingest.broker), local names and units
(ingest.mapping).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingest.errors import BrokerError
from ingest.uns.dialect import PayloadFamily, Payloads, Topics, is_within
from ingest.uns.topic import EVENT_LEVEL

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
"""An id of ours: fit for a folder, a topic level and a client id. Names that plants choose are values, never slugs."""

GroupId = Annotated[str, Field(pattern=r"^[^+#/\x00]{1,128}$")]


class Broker(BaseModel):
    """Where a site's messages come from. Secrets are named by environment variable, never written down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    protocol: Literal["3.1.1", "5"] = "5"
    username_env: str | None = None
    password_env: str | None = None
    ca_file_env: str | None = None
    client_cert_file_env: str | None = None
    client_key_file_env: str | None = None
    headers_env: dict[str, str] = {}
    """HTTP headers of a WebSocket's opening request, by name: the environment variable that holds each value."""
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 15
    session_expiry_s: Annotated[int, Field(ge=60)] = 7 * 86_400
    receive_maximum: Annotated[int, Field(ge=20, le=65_535)] = 20_000

    @field_validator("protocol", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) else value

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not _has_usable_port(value):
            raise ValueError(
                f"{value!r} is no broker address: write mqtt://host:port, mqtts://host:port, ws://host:port/path or "
                "wss://host:port/path"
            )
        if parts.username or parts.password:
            raise ValueError("a broker address carries no credentials: name them by username_env and password_env")
        if parts.fragment or (parts.scheme in {"mqtt", "mqtts"} and (parts.path.strip("/") or parts.query)):
            raise ValueError(f"{value!r} has a path, which only ws:// and wss:// have: write the host and port alone")
        return value

    @model_validator(mode="after")
    def _settings_fit_the_scheme(self) -> Broker:
        names = (self.ca_file_env, self.client_cert_file_env, self.client_key_file_env)
        if any(names) and not self.is_encrypted:
            raise ValueError(f"{self.url} is not encrypted and cannot use TLS files: write mqtts:// or wss://")
        if self.client_key_file_env and not self.client_cert_file_env:
            raise ValueError("client_key_file_env is set without client_cert_file_env: name the certificate too")
        if self.password_env and not self.username_env and self.protocol == "3.1.1":
            raise ValueError("MQTT 3.1.1 takes no password without a user: set username_env beside password_env")
        if self.headers_env and not self.is_websocket:
            raise ValueError(f"{self.url} is no WebSocket and sends no headers: write ws:// or wss://")
        for name in self.headers_env:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an HTTP header: write for instance Authorization")
        return self

    @property
    def host(self) -> str:
        """Name or address of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Port, by default that of the scheme."""
        parts = urlsplit(self.url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return urlsplit(self.url).scheme in {"mqtts", "wss"}

    @property
    def is_websocket(self) -> bool:
        """Whether MQTT travels in a WebSocket (MQTT 5, section 6)."""
        return urlsplit(self.url).scheme in {"ws", "wss"}

    @property
    def websocket_path(self) -> str:
        """Path and query of the WebSocket; /mqtt, where brokers listen, if the address names none."""
        parts = urlsplit(self.url)
        path = parts.path if parts.path not in {"", "/"} else "/mqtt"
        return f"{path}?{parts.query}" if parts.query else path

    def secret(self, variable: str | None) -> str | None:
        """The value behind one of the `*_env` names; a name that is set must exist."""
        if variable is None:
            return None
        value = os.environ.get(variable)
        if not value:
            raise BrokerError(f"set the environment variable {variable}: the broker {self.url} needs it", url=self.url)
        return value


def _has_usable_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


class Site(BaseModel):
    """One plant: its identity, its broker, and where its mapping file and its contracts of events lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enterprise: Slug
    host_id: Slug
    site_id: Slug
    time_zone: str
    payload_family: PayloadFamily
    group_id: GroupId | None = None
    topics: Topics = Topics()
    payload: Payloads = ()
    broker: Broker
    mapping: Path | None = None
    reorder_timeout_s: Annotated[float, Field(ge=0, le=3_600)] = 5.0
    """How long a number missing in `seq` may be merely late (tck-id-operational-behavior-host-reordering-param)."""
    probe_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    """How long a node suspected dead has to answer before it counts as offline."""
    host_subscription: Literal["deaths", "everything"] = "deaths"
    """What the host client subscribes beside its STATE; the landing client always has everything (docs/adr/0005)."""
    ask_for_rebirth: bool = True
    """Off: nothing is ever written to the plant but STATE."""
    share: Slug | None = None
    """Collectors that name the same share divide this site's messages between them (MQTT 5, section 4.8.2)."""
    events: Path | None = None
    """A directory of contracts for events beyond the published ones (ingest.contracts)."""

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no IANA time zone: write for instance Europe/Berlin") from error
        return value

    @model_validator(mode="after")
    def _only_json_is_shared(self) -> Site:
        if self.share is not None and self.is_sparkplug:
            raise ValueError(
                f"site {self.site_id} speaks Sparkplug B, whose sequence numbers only make sense to a collector that "
                "hears all of them: remove share, and run a standby with --standby-group instead"
            )
        return self

    @model_validator(mode="after")
    def _group_belongs_to_sparkplug(self) -> Site:
        if self.is_sparkplug and not self.group_id:
            raise ValueError(f"site {self.site_id} speaks Sparkplug B: give its group_id")
        if self.group_id == "STATE":
            raise ValueError("group_id STATE is reserved by Sparkplug")
        return self

    @model_validator(mode="after")
    def _topics_end_their_equipment_once(self) -> Site:
        if self.payload_family == "umh" and self.topics.levels:
            raise ValueError("a UMH topic says itself where its equipment ends: take topics.levels out")
        return self

    @property
    def is_sparkplug(self) -> bool:
        """Whether telemetry comes as Sparkplug B."""
        return self.payload_family == "sparkplug_b"

    @property
    def namespace(self) -> str:
        """Our own root for the site: its events may come here whatever the roots, and the platform publishes here."""
        return f"{self.enterprise}/{self.site_id}"

    @property
    def roots(self) -> tuple[str, ...]:
        """Where the site's JSON topics begin."""
        umh = f"umh/v1/{self.namespace}" if self.payload_family == "umh" else self.namespace
        return self.topics.roots or (umh,)

    @property
    def listened_roots(self) -> tuple[str, ...]:
        """The roots, and our own for events where they leave it out."""
        is_covered = any(is_within(self.namespace, root=root) for root in self.roots)
        return self.roots if is_covered else (*self.roots, self.namespace)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topic filters that bring everything the site says, no message twice."""
        filters = [f"spBv1.0/{self.group_id}/#"] if self.is_sparkplug else []
        filters += [f"{root}/#" for root in self.roots]
        filters += [f"{root}/{EVENT_LEVEL}/#" for root in self.listened_roots if root not in self.roots]
        return tuple(filters if self.share is None else (f"$share/{self.share}/{name}" for name in filters))

    @property
    def host_filters(self) -> tuple[str, ...]:
        """The Sparkplug topics its host client subscribes before it says "online"."""
        if not self.is_sparkplug:
            return ()
        if self.host_subscription == "everything":
            return ("spBv1.0/#",)
        return (f"spBv1.0/{self.group_id}/NDEATH/+", f"spBv1.0/{self.group_id}/DDEATH/+/+")

    def client_id(self, collector_id: str) -> str:
        """Stable and unique per collector and site: the broker keeps our session under this name."""
        return f"lineshaft-{collector_id}-{self.site_id}"
