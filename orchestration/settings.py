"""A deployment, read once at the edge: the directory of configuration, the home of state, the stores.

Belongs here: reading `lineshaft.yaml` and the environment into frozen, typed values.
Does not belong here: enterprise reference data (models.isa95.documents), mappings (ingest.mapping), or any connection.

Environment:
    LINESHAFT_DEPLOYMENT   the deployment directory; default: the bundled demo enterprise
    LINESHAFT_HOME         embedded state; default `.lineshaft` in the working directory
    LINESHAFT_DATABASE_URL the operational store; default: SQLite in the home
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.errors import DeploymentError

if TYPE_CHECKING:
    from ingest.site import Site

TEMPLATE = Path(__file__).parent / "deployment_template"
CONFIGURATION_FILE = "lineshaft.yaml"


class Environment(BaseSettings):
    """What the environment may say."""

    model_config = SettingsConfigDict(env_prefix="LINESHAFT_", env_file=None, extra="ignore", frozen=True)

    deployment: Path = TEMPLATE
    home: Path = Path(".lineshaft")
    database_url: str | None = None


class SigningSettings(BaseModel):
    """Where the signing key lies: a file, or an environment variable that holds it; neither: the home's, if any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_file: Path | None = None
    key_env: str | None = None


class Deployment(BaseModel):
    """One deployment: where its configuration lies, where its state lives, and the sites it serves."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    directory: Path
    home: Path
    enterprise: str
    host_id: str
    sites: tuple[Any, ...]
    database_url: str
    signing: SigningSettings = SigningSettings()
    approval: Literal["by_issuing", "required"] = "by_issuing"
    """Whether whoever issues a draft approves it thereby, or it must have been approved before."""
    keep_days: dict[Any, int] = {}
    """Days for which landed files of a kind are kept; kinds without a number are kept for ever."""

    @property
    def landing(self) -> Path:
        """Landed Parquet and its manifest: the record of what plants said."""
        return self.home / "landing"

    @property
    def quarantine(self) -> Path:
        """Messages that could not be read, with their reasons."""
        return self.home / "quarantine"

    @property
    def warehouse_path(self) -> Path:
        """The embedded warehouse; one writer at a time."""
        return self.home / "warehouse.duckdb"

    @property
    def serving(self) -> Path:
        """The read-only copy of the marts for BI tools."""
        return self.home / "serving"

    @property
    def invoices(self) -> Path:
        """Documents of issued invoices."""
        return self.home / "invoices"

    @property
    def feeds(self) -> Path:
        """Partner feeds, one directory a partner."""
        return self.home / "feeds"

    @property
    def models(self) -> Path:
        """Trained models and their cards."""
        return self.home / "ml"

    @property
    def dagster_home(self) -> Path:
        """Dagster's run history for builds started here."""
        return self.home / "dagster"

    def site(self, site_id: str) -> Site:
        """The site of that id.

        Raises:
            DeploymentError: no such site; the message lists the known ones.
        """
        for site in self.sites:
            if site.site_id == site_id:
                return site  # type: ignore[no-any-return]
        known = ", ".join(site.site_id for site in self.sites)
        raise DeploymentError(
            f"Site '{site_id}' is not in {self.directory / CONFIGURATION_FILE}; known sites: {known}."
        )


def load_deployment(directory: Path | None = None, *, home: Path | None = None) -> Deployment:
    """Read a deployment directory and the environment.

    Arguments win over the environment, the environment over the defaults.

    Raises:
        DeploymentError: the directory or its lineshaft.yaml is missing or wrong; one sentence says what to mend.
    """
    import yaml

    from ingest.site import Site

    environment = Environment()
    directory = (directory or environment.deployment).expanduser()
    home = (home or environment.home).expanduser().absolute()
    path = directory / CONFIGURATION_FILE
    if not path.is_file():
        raise DeploymentError(
            f"No {CONFIGURATION_FILE} in {directory}; `lineshaft init {directory}` writes one to begin with."
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        enterprise, host_id = document["enterprise"], document.get("host_id", "lineshaft")
        sites = tuple(
            Site(
                **{
                    **entry,
                    "enterprise": enterprise,
                    "host_id": host_id,
                    "mapping": (directory / entry["mapping"]).resolve(),
                    "events": _events(directory, entry.get("events")),
                }
            )
            for entry in document["sites"]
        )
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DeploymentError(f"{path} is not valid YAML: {error}") from error
    except (TypeError, AttributeError) as error:
        raise DeploymentError(
            f"{path} does not have the form of a deployment: write enterprise, host_id and a list of sites; "
            "`lineshaft init` writes a complete example."
        ) from error
    except KeyError as error:
        raise DeploymentError(f"{path} lacks the entry {error}; `lineshaft init` writes a complete example.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DeploymentError(f"{path}: {where}: {first['msg']}.") from error
    _refuse_ambiguous(sites, path=path)
    keep_days = document.get("keep_days") or {}
    _refuse_unknown_kinds(keep_days, path=path)
    approval = document.get("approval", "by_issuing")
    if approval not in {"by_issuing", "required"}:
        raise DeploymentError(f"{path}: approval is {approval!r}; write by_issuing or required.")
    return Deployment(
        directory=directory.resolve(),
        home=home,
        enterprise=enterprise,
        host_id=host_id,
        sites=tuple(sorted(sites, key=lambda site: site.site_id)),
        database_url=environment.database_url or f"sqlite:///{home / 'operations.sqlite'}",
        keep_days=keep_days,
        signing=_signing(document.get("signing") or {}, directory=directory, path=path),
        approval=approval,
    )


def _signing(given: Any, *, directory: Path, path: Path) -> SigningSettings:
    try:
        signing = SigningSettings.model_validate(given)
    except ValidationError:
        signing = None
    if signing is None or (signing.key_file and signing.key_env):
        raise DeploymentError(f"{path}: signing names a key_file, or a key_env variable that holds the key in PEM.")
    if signing.key_file is None:
        return signing
    return signing.model_copy(update={"key_file": (directory / signing.key_file.expanduser()).resolve()})


def _refuse_unknown_kinds(keep_days: Any, *, path: Path) -> None:
    from ingest.records import KINDS

    if not isinstance(keep_days, dict) or not all(
        kind in KINDS and isinstance(days, int) and not isinstance(days, bool) and days > 0
        for kind, days in keep_days.items()
    ):
        raise DeploymentError(
            f"{path}: keep_days gives whole days for kinds of landed files ({', '.join(KINDS)}), as in "
            "{readings: 800}; a kind without a number is kept for ever."
        )


def _events(directory: Path, named: str | None) -> Path | None:
    """A site's own contracts of events: those it names, else the deployment's where it has some."""
    if named is not None:
        return (directory / named).resolve()
    common = directory / "events"
    return common.resolve() if common.is_dir() else None


def _refuse_ambiguous(sites: tuple[Site, ...], *, path: Path) -> None:
    """Every message belongs to one site: two of one id, or on one group of one broker, would each take it."""
    if not sites:
        raise DeploymentError(f"{path} lists no site; `lineshaft init` writes a complete example.")
    _refuse_shared_roots(sites, path=path)
    seen: set[object] = set()
    for site in sites:
        for key, name in ((site.site_id, "site_id"), ((site.broker.url, site.group_id), "group_id")):
            if name == "group_id" and not site.is_sparkplug:
                continue
            if key in seen:
                raise DeploymentError(
                    f"{path}: two sites have the {name} '{getattr(site, name)}'; give each its own, "
                    "or its messages would land twice."
                )
            seen.add(key)


def _refuse_shared_roots(sites: tuple[Site, ...], *, path: Path) -> None:
    """No site's JSON topics lie within another's on the same broker."""
    from itertools import permutations

    from ingest.uns.dialect import is_within

    for one, other in permutations(sites, 2):
        if one.broker.url != other.broker.url or one.site_id == other.site_id:
            continue
        for inner in one.listened_roots:
            outer = next((root for root in other.listened_roots if is_within(inner, root=root)), None)
            if outer is not None:
                raise DeploymentError(
                    f"{path}: the topics of site '{one.site_id}' below {inner} lie within those of '{other.site_id}' "
                    f"below {outer}; give the sites roots apart, or its messages would land twice."
                )
