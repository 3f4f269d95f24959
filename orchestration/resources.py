"""What assets are given: the deployment, and the dbt session over its home.

Belongs here: making plain domain objects out of a deployment; an asset names one in its signature and gets it.
Does not belong here: opening anything. A connection lives as long as the function that needs it, because the warehouse
file has one configuration per process and must be free for dbt.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.settings import Deployment
from orchestration.transform.invocation import DbtSession

DAGSTER_YAML = """\
# Written by Lineshaft when this home was first used; edit it as you like.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  pools: {default_limit: 1, granularity: op}   # the warehouse file has one writer
"""


def make_resources(deployment: Deployment) -> dict[str, object]:
    """The resources by name, for definitions and for runs in this process."""
    return {"deployment": deployment, "dbt": DbtSession(home=deployment.home)}


def prepare_dagster_home(directory: Path) -> Path:
    """A Dagster home that tells nobody and lets one run write at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(DAGSTER_YAML, encoding="utf-8")
    return directory
