"""`lineshaft simulate`, `collect` and `replay`: everything between a plant and the landing zone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.commands.console import Json, print_json, print_table, progress, say

if TYPE_CHECKING:
    from ingest.standby import Standing

BrokerOption = Annotated[
    str | None, typer.Option("--broker", help="Use this broker, as in mqtt://127.0.0.1:1883, for every site.")
]
ProtocolOption = Annotated[str | None, typer.Option("--protocol", help="MQTT version to speak with it: 3.1.1 or 5.")]


def simulate(
    broker: BrokerOption = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Play this many days of the scenario.")] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed", min=0.001, help="Simulated seconds per second; default: as fast as the broker takes it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Play the deployment's plant (plant/scenario.yaml) onto a broker: the same seed gives the same messages."""
    import asyncio

    from ingest.simulator.plan import plan
    from ingest.simulator.publisher import publish
    from ingest.simulator.scenario import load_plants
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    plants = load_plants(deployment.directory)
    if days is not None:
        plants = plants.lasting(days)
    access = deployment.sites[0].broker
    url = broker or access.url
    with progress("simulate") as report:
        account = asyncio.run(
            publish(
                plan(plants),
                broker_url=url,
                speed=speed,
                on_progress=lambda done, total: report(f"publishing to {url}", done / total),
                username=access.secret(access.username_env),
                password=access.secret(access.password_env),
            )
        )
    if as_json:
        typer.echo(account.to_json())
        return
    say(f"Published {account.published:,} messages in {account.elapsed_s:,.1f} s; {account.redelivered:,} went twice.")
    print_table(("site", "messages"), account.by_site.items())


def collect(
    site: Annotated[list[str] | None, typer.Option("--site", help="Only this site; repeat for more.")] = None,
    broker: BrokerOption = None,
    protocol: ProtocolOption = None,
    collector_id: Annotated[str, typer.Option(help="Names this collector's session on the broker.")] = "collector",
    standby_group: Annotated[
        str | None,
        typer.Option(
            help="Take turns with the other collectors of this group: one collects, the others stand by. Give each its "
            "own --collector-id and all the same --home and operational store.",
        ),
    ] = None,
    lease_seconds: Annotated[
        float, typer.Option(min=0.5, help="With --standby-group: how long a silent member keeps its turn.")
    ] = 10.0,
    renew_seconds: Annotated[
        float, typer.Option(min=0.1, help="With --standby-group: how often the active member renews its turn.")
    ] = 3.0,
    batch_seconds: Annotated[float, typer.Option(min=0.01, help="Land at least this often while messages come.")] = 1.0,
    until_idle: Annotated[
        float | None, typer.Option(min=0.1, help="Stop after this many seconds without a message.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics", help="Serve /metrics (Prometheus) and /healthz at this address, as in 127.0.0.1:9464."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Collect messages into the landing zone until stopped (Ctrl-C, SIGTERM); each is acknowledged once it is durable.

    With --json, a line is printed when the subscriptions stand, a line per landed batch, and one at the end; in a
    standby group also one at each change between active and standing_by.
    """
    import asyncio
    import json
    from dataclasses import asdict

    from ingest.report import BatchReport
    from orchestration.collecting import a_standby, collect_until_stopped, sites_on
    from orchestration.settings import load_deployment

    deployment = load_deployment()
    chosen = tuple(deployment.site(name) for name in site) if site else deployment.sites
    sites = sites_on(chosen, broker_url=broker, protocol=protocol)

    def tell(event: str, details: dict[str, Any]) -> None:
        if as_json:
            typer.echo(json.dumps({"event": event, **details}, sort_keys=True))

    def ready() -> None:
        tell("ready", {"sites": [each.site_id for each in sites]})
        if not as_json:
            say(f"Collecting {', '.join(each.site_id for each in sites)} into {deployment.landing}. Ctrl-C stops.")

    def landed(batch: BatchReport) -> None:
        tell("batch", asdict(batch))

    def standing(change: Standing) -> None:
        lease = change.lease
        known = {} if lease is None else {"token": lease.token, "expires_at": lease.expires_at.isoformat()}
        tell(change.role, {"group": standby_group, "collector_id": collector_id, **known})
        if not as_json and lease is None:
            say(f"Standing by in group {standby_group}.")

    standby = None
    if standby_group is not None:
        standby = a_standby(
            group=standby_group,
            database_url=deployment.database_url,
            lease_seconds=lease_seconds,
            renew_seconds=renew_seconds,
            on_standing=standing,
        )
    report = asyncio.run(
        collect_until_stopped(
            sites,
            home=deployment.home,
            collector_id=collector_id,
            batch_seconds=batch_seconds,
            until_idle_s=until_idle,
            metrics=metrics,
            on_ready=ready,
            on_batch=landed,
            standby=standby,
        )
    )
    tell("stopped", asdict(report))
    if not as_json:
        say(
            f"Landed {report.message_count:,} messages with {report.reading_count:,} readings; quarantined "
            f"{report.quarantined_count:,}; {report.redelivered_count:,} arrived again and were recognised."
        )


def replay(
    dataset: Annotated[str, typer.Argument(help="What to replay: cmapss (NASA's turbofan engines).")],
    path: Annotated[
        Path, typer.Option("--path", help="The folder with train_FD001.txt.gz, test_FD001.txt.gz, RUL_FD001.txt.")
    ],
    subset: Annotated[str, typer.Option("--set", help="Which subset: FD001, FD002, FD003 or FD004.")] = "FD001",
    engines: Annotated[int | None, typer.Option(min=1, help="Only the first so many engines of each part.")] = None,
    broker: BrokerOption = None,
    protocol: ProtocolOption = None,
    as_json: Json = False,
) -> None:
    """Publish recorded run-to-failure data as Sparkplug edge nodes, land and model it, and grade the remaining life.

    State lives apart from the demo's, in replay/ under the home.
    """
    from orchestration.errors import BuildError, DeploymentError
    from orchestration.replaying import replay_cmapss
    from orchestration.settings import load_deployment

    if dataset != "cmapss":
        raise DeploymentError(f"There is no data set '{dataset}' to replay; known: cmapss.")
    with progress("replay") as report:
        outcome = replay_cmapss(
            path,
            subset=subset,
            home=load_deployment().home,
            engines=engines,
            broker_url=broker,
            protocol=protocol,
            on_progress=report,
        )
    if as_json:
        print_json(outcome.as_dict())
    else:
        say(
            f"{subset}: {outcome.published:,} messages published, {outcome.landed:,} landed, "
            f"{outcome.quarantined:,} quarantined."
        )
        say(
            f"Test rows in the file {outcome.test_row_count:,}; readings expected {outcome.expected_reading_count:,}, "
            f"in the warehouse {outcome.found_reading_count:,}, each once: {'yes' if outcome.is_exact else 'NO'}."
        )
        print_table(("remaining life of the test engines", "cap 125", "raw"), outcome.figures())
    if not outcome.is_exact:
        raise BuildError("The warehouse does not hold the recording exactly once: something was lost or doubled.")
