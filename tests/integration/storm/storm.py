"""The kill storm itself: plants publish, everything between them and the warehouse is killed and cut at random.

Belongs here: the order of events, all drawn from one seed. Does not belong here: plants, proxies, processes, verdict.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.warehouse.landed import list_batches
from tests.builders.sparkplug import a_json_site, a_site
from tests.integration.brokers import Mosquitto, a_mosquitto
from tests.integration.storm import compacting
from tests.integration.storm.loading import load_what_landed
from tests.integration.storm.plants import JSON_TOPIC, EdgeNodePlant, JsonPlant
from tests.integration.storm.proxy import CuttingProxy, a_cutting_proxy
from tests.integration.storm.verdict import Verdict, judge
from tests.integration.storm.victims import Victim

EDGES = 4
REORDERED_S = 7.0
"""Longer than the reorder timeout: then the ledger has its entries."""
DRAINED_WITHIN_S = 900.0
STILL_S = 25.0
"""Nothing new for so long, and what is missing is not on its way: the collector backs off for 15 s at most."""
BATCH_S = 0.3
LANDS_WITHIN_S = 20.0
AHEAD = 0.05
"""The share of the messages that plants may produce while a blow waits for its victim to be at work."""

Blow = Literal["kill", "cut_collector", "cut_plants", "broker_restart", "broker_kill"]


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How large a storm, and how many blows of each kind."""

    messages: int
    kills: int
    seed: int
    broker_restarts: int
    cuts: int
    broker_kills: int = 0
    per_second: float = 2_500.0

    @property
    def seconds(self) -> float:
        return self.messages / self.per_second


@dataclass(kw_only=True)
class Outcome:
    """A storm that is over."""

    verdict: Verdict
    kills: dict[str, int]
    own_deaths: dict[str, int]
    broker_restarts: int
    broker_kills: int
    cuts: int
    merged_files: int
    plant_connections: int
    json_resent: int
    seconds: float
    crashes: list[float] = field(default_factory=list)


def rage(directory: Path, weather: Weather) -> Outcome:
    """Run one storm in `directory`; the same seed deals the same blows at the same shares of the messages."""
    home, began = directory / "home", time.monotonic()
    home.mkdir()
    crashes: list[float] = []
    with ExitStack() as stack:
        broker = stack.enter_context(a_mosquitto(directory))
        proxies = {name: stack.enter_context(a_cutting_proxy(broker.port)) for name in ("collector", "plants")}
        victims = _victims(directory, home, port=proxies["collector"].port)
        for victim in victims.values():
            stack.callback(victim.kill)
            victim.start()
        victims["collector"].await_ready()  # before, the broker keeps no session for it: what is sent goes nowhere
        edges, json_plant = _plants(weather, port=proxies["plants"].port)
        plants = [*edges, json_plant]
        _raise_ceiling(plants, 0.0)
        for plant in plants:
            plant.start()
        _deal(weather, home, broker, proxies, victims, plants, crashes)
        for plant in plants:
            plant.join(weather.seconds * 10 + 120)
            if plant.failure is not None or plant.is_alive():
                raise RuntimeError(f"the plant {plant.name} did not finish: {plant.failure!r}")
        for victim in victims.values():
            victim.revive()
        for role in victims.keys() - {"collector"}:
            victims[role].end()
        for edge in edges:
            stack.callback(edge.hang_up)
            edge.say_last_words()
        _until_drained(home, edges, json_plant, victims["collector"])
        time.sleep(REORDERED_S)
        victims["collector"].end()
    load_what_landed(home)
    verdict = judge(home, edges=edges, json_plant=json_plant, crashes=crashes)
    return Outcome(
        verdict=verdict,
        kills={role: victim.kills for role, victim in victims.items()},
        own_deaths={role: victim.own_deaths for role, victim in victims.items()},
        broker_restarts=weather.broker_restarts,
        broker_kills=len(crashes),
        cuts=weather.cuts,
        merged_files=_merged_files(directory / "compaction.log"),
        plant_connections=sum(plant.connections for plant in plants),
        json_resent=json_plant.resent,
        seconds=time.monotonic() - began,
        crashes=crashes,
    )


def _plants(weather: Weather, *, port: int) -> tuple[list[EdgeNodePlant], JsonPlant]:
    """Half of the messages are JSON, half come from the edge nodes."""
    half, rate = weather.messages // 2, weather.per_second / 2
    edges = [
        EdgeNodePlant(f"line_{number}", port=port, count=half // EDGES, per_second=rate / EDGES)
        for number in range(EDGES)
    ]
    return edges, JsonPlant("json-plant", port=port, count=weather.messages - half, per_second=rate)


def _victims(directory: Path, home: Path, *, port: int) -> dict[str, Victim]:
    broker = {"url": f"mqtt://127.0.0.1:{port}"}
    sites = [a_site(broker=broker), a_json_site(broker=broker)]
    roles = {
        "collector": Victim(
            "collector",
            ["tests.integration.collector_process", str(home), json.dumps({"batch_seconds": BATCH_S})],
            log=directory / "collector.log",
            word="collecting",
            times=len(sites),
            order=json.dumps([site.model_dump(mode="json") for site in sites]),
        ),
        "loader": Victim(
            "loader", ["tests.integration.storm.loading", str(home)], log=directory / "loader.log", word="loading"
        ),
    }
    if compacting.is_available():
        roles["compaction"] = Victim(
            "compaction",
            ["tests.integration.storm.compacting", str(home)],
            log=directory / "compaction.log",
            word="compacting",
        )
    return roles


def _deal(
    weather: Weather,
    home: Path,
    broker: Mosquitto,
    proxies: dict[str, CuttingProxy],
    victims: dict[str, Victim],
    plants: Sequence[EdgeNodePlant | JsonPlant],
    crashes: list[float],
) -> None:
    """Each blow falls when a certain share of the messages has been produced, and finds its victim at work.

    Mostly at work: one kill in five comes as it comes, which may be while the victim still starts.
    """
    dice = random.Random(weather.seed)
    blows: list[Blow] = ["kill"] * weather.kills
    blows += ["broker_restart"] * weather.broker_restarts + ["broker_kill"] * weather.broker_kills
    blows += [dice.choice(("cut_collector", "cut_plants")) for _ in range(weather.cuts)]
    dice.shuffle(blows)
    shares = sorted(dice.uniform(0.02, 0.95) for _ in blows)
    roles, weights = list(victims), [5 if role == "collector" else 3 for role in victims]
    for share, blow in zip(shares, blows, strict=True):
        _raise_ceiling(plants, share)
        _until_produced(plants, share, within_s=weather.seconds * 10 + 120)
        for each in victims.values():
            each.revive()
        victim = victims[dice.choices(roles, weights)[0]]
        pause, is_patient = dice.uniform(0.0, 1.0), dice.random() < 0.8
        if blow == "kill" and is_patient:
            victim.await_ready()
            if victim.role == "collector":
                _until_it_lands(home)
            time.sleep(pause)
        match blow:
            case "kill":
                victim.kill_and_start()
            case "cut_collector" | "cut_plants":
                proxies[blow.removeprefix("cut_")].cut()
            case "broker_restart":
                broker.restart()
            case "broker_kill":
                crashes.append(time.time())
                broker.crash()
    _raise_ceiling(plants, 1.0)


def _raise_ceiling(plants: Sequence[EdgeNodePlant | JsonPlant], share: float) -> None:
    for plant in plants:
        plant.ceiling = min(share + AHEAD, 1.0)


def _until_produced(plants: Sequence[EdgeNodePlant | JsonPlant], share: float, *, within_s: float) -> None:
    deadline, wanted = time.monotonic() + within_s, int(share * sum(plant.count for plant in plants))
    while sum(plant.produced for plant in plants) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the plants produced less than {share:.0%} of their messages")
        time.sleep(0.02)


def _until_it_lands(home: Path) -> None:
    """Until another batch is committed; on a busy machine a collector may be subscribed for seconds before that."""
    before, deadline = list_batches(home), time.monotonic() + LANDS_WITHIN_S
    while list_batches(home) == before and time.monotonic() < deadline:
        time.sleep(0.02)


def _until_drained(home: Path, edges: list[EdgeNodePlant], json_plant: JsonPlant, collector: Victim) -> None:
    """Load until the last words of every edge node are there, and all that was acknowledged, or time is up."""
    wanted = [edge.last_words for edge in edges]
    deadline = time.monotonic() + DRAINED_WITHIN_S
    before, still_since = -1, time.monotonic()
    while time.monotonic() < deadline:
        collector.revive()
        load_what_landed(home)
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
            found = warehouse.execute(
                "select count(*), count(*) filter (list_contains($wanted, message_id)), count(*) filter (topic = $json)"
                " from raw.message",
                {"wanted": wanted, "json": JSON_TOPIC},
            ).fetchone()
        assert found is not None
        if found[0] != before:
            before, still_since = found[0], time.monotonic()
        is_whole = found[2] >= len(json_plant.acknowledged)
        if found[1] == len(wanted) and (is_whole or time.monotonic() - still_since > STILL_S):
            return
        time.sleep(1.0)


def _merged_files(log: Path) -> int:
    """What compaction says it merged, runs that were killed before they could say so left out."""
    if not log.exists():
        return 0
    return sum(int(count) for count in re.findall(r"^merged (\d+)$", log.read_text(encoding="utf-8"), re.MULTILINE))
