"""Kill -9 at random of all that stands between the plants and the warehouse; then everything is counted.

    python benchmarks/kill_storm.py [--messages 1000000] [--kills 100] [--seed 7] [--broker-kills 0]

Half of the messages are JSON at QoS 1, whose acknowledgements are known exactly; half are Sparkplug at QoS 0. The
collector, the loader and compaction are killed, the broker is restarted, the network is cut on either side of it. The
exit code is 0 if no acknowledged message is lost, no row doubled, and every lost message lies within an entry of the
loss ledger.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, whose ingest.py is no package

from tests.integration.storm.storm import Outcome, Weather, rage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--broker-restarts", type=int, help="orderly; by default one for ten kills")
    parser.add_argument("--cuts", type=int, help="of the network; by default one for five kills")
    parser.add_argument("--broker-kills", type=int, default=0, help="kill -9: what mosquitto lost is counted apart")
    parser.add_argument("--per-second", type=float, default=2_500, help="messages published a second")
    parser.add_argument("--directory", type=Path, help="where to keep the home and the logs (default: a temporary one)")
    given = parser.parse_args()
    weather = Weather(
        messages=given.messages,
        kills=given.kills,
        seed=given.seed,
        broker_restarts=given.kills // 10 if given.broker_restarts is None else given.broker_restarts,
        cuts=given.kills // 5 if given.cuts is None else given.cuts,
        broker_kills=given.broker_kills,
        per_second=given.per_second,
    )
    with tempfile.TemporaryDirectory(prefix="lineshaft-storm-") as temporary:
        directory = given.directory or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = rage(directory, weather)
    print(table(weather, outcome))
    raise SystemExit(0 if outcome.verdict.is_pass else 1)


def table(weather: Weather, outcome: Outcome) -> str:
    verdict, account = outcome.verdict, outcome.verdict.account
    lines: list[tuple[str, int | str, str]] = [
        ("messages sent (JSON acknowledged + Sparkplug)", verdict.acknowledged_count + account.sent_count, ""),
        ("kill -9", sum(outcome.kills.values()), ", ".join(f"{role} {each}" for role, each in outcome.kills.items())),
        ("broker restarts, kills; cuts", f"{outcome.broker_restarts}, {outcome.broker_kills}; {outcome.cuts}", ""),
        ("plant connections; JSON sent again", f"{outcome.plant_connections}; {outcome.json_resent}", ""),
        ("files merged by compaction", outcome.merged_files, ""),
        ("acknowledged, lost", verdict.acknowledged_lost, "must be 0"),
        ("acknowledged, lost by the killed broker", verdict.lost_by_broker, "0 without --broker-kills"),
        ("rows doubled", verdict.doubled_rows, "must be 0"),
        ("messages without all their rows", verdict.incomplete_messages, "must be 0"),
        ("messages nobody sent", verdict.foreign_messages, "must be 0"),
        ("edge nodes with a wrong total", verdict.wrong_totals, "must be 0"),
        ("files rejected", verdict.rejected_files, "must be 0"),
        ("messages in quarantine", verdict.quarantined_messages, ""),
        ("Sparkplug QoS 0 sent", account.sent_count, ""),
        ("Sparkplug QoS 0 lost", account.lost_count, f"the ledger's entries span {account.covered_count:,} messages"),
        ("lost and not in the ledger", len(account.unaccounted), "must be 0"),
        ("processes that ended by themselves", sum(outcome.own_deaths.values()), ""),
        ("seconds", round(outcome.seconds), f"seed {weather.seed}"),
    ]
    rows = [
        f"{name:<46} {value if isinstance(value, str) else f'{value:,}':>12}  {note}" for name, value, note in lines
    ]
    return "\n".join([*rows, "PASS" if verdict.is_pass else "FAIL"])


if __name__ == "__main__":
    main()
