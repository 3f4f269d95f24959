"""Replaying recorded run-to-failure data through the whole line, and grading what comes out.

Belongs here: the order of the steps, holding the warehouse against the recording value by value, and the grade.
Does not belong here: publishing (ingest.simulator.cmapss), predicting (ml), or printing.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.errors import DeploymentError
from orchestration.settings import Deployment, load_deployment

if TYPE_CHECKING:
    from ingest.simulator.cmapss import Engine

Report = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay published, what the warehouse holds of it, and how good the remaining life was.

    `grade` is empty where the true lives (RUL_<subset>.txt) are not beside the recording.
    """

    subset: str
    published: int
    landed: int
    quarantined: int
    test_row_count: int
    expected_reading_count: int
    found_reading_count: int
    is_exact: bool
    grade: dict[str, float]
    home: str

    def as_dict(self) -> dict[str, Any]:
        """For a machine to read."""
        return asdict(self)

    def figures(self) -> list[tuple[str, str, str]]:
        """Rows of a table: error and NASA score, with true lives capped as in training and as they are."""
        if not self.grade:
            return [("no true lives beside the recording", "–", "–")]
        return [
            (name, f"{self.grade[f'{key}_cap125']:,.2f}", f"{self.grade[f'{key}_raw']:,.2f}")
            for name, key in (("RMSE in cycles", "rmse"), ("NASA score", "score"))
        ]


def replay_cmapss(
    path: Path,
    *,
    subset: str,
    home: Path,
    engines: int | None = None,
    broker_url: str | None = None,
    protocol: str | None = None,
    on_progress: Report,
) -> Replay:
    """Publish a subset of NASA's engines, land, build, and grade the test engines' remaining life.

    Raises:
        LineshaftError: the folder lacks a file, the broker does not answer, or a step of the build fails.
    """
    from ingest.simulator.cmapss import publish_cmapss, read_engines
    from ingest.simulator.cmapss_deployment import cmapss_deployment
    from orchestration.build import build
    from orchestration.playing import play

    if not path.is_dir():
        raise DeploymentError(f"There is no folder {path}; --path names the one with train_{subset}.txt.gz.")
    recorded = read_engines(path, subset=subset, part="test", engines=engines)
    place = home / "replay" / (subset if engines is None else f"{subset}-{engines}")
    cmapss_deployment(place / "deployment", subset=subset, engines=engines)
    deployment = load_deployment(place / "deployment", home=place)
    account = play(
        lambda url, progress: publish_cmapss(
            path, subset=subset, broker_url=url, engines=engines, on_progress=progress
        ),
        deployment=deployment.directory,
        home=deployment.home,
        broker_url=broker_url,
        protocol=protocol,
        on_progress=lambda what, fraction: on_progress(what, 0.4 * fraction),
    )
    build(deployment, on_progress=lambda what, fraction: on_progress(what, 0.4 + 0.6 * fraction))
    landed, quarantined, found, is_exact = _compare(deployment, recorded)
    return Replay(
        subset=subset,
        published=account.distinct,
        landed=landed,
        quarantined=quarantined,
        test_row_count=sum(len(engine.rows) for engine in recorded),
        expected_reading_count=sum(len(row) for engine in recorded for row in engine.rows),
        found_reading_count=found,
        is_exact=is_exact,
        grade=_grade(deployment, path, subset=subset, engine_count=len(recorded)),
        home=str(place),
    )


_DIFFERENCE = """
with found as (
    select device_id, metric_name, event_at, value_double as value, count(*) as times
    from raw.reading
    where device_id like 'test%' and value_double is not null
    group by all
)
select
    (select coalesce(sum(times), 0)::bigint from found),
    (select count(*) from recorded full join found using (device_id, metric_name, event_at, value)
     where times is distinct from 1 or recorded.device_id is null)
"""


def _compare(deployment: Deployment, recorded: list[Engine]) -> tuple[int, int, int, bool]:
    """Messages landed and quarantined, test readings found, and whether they are the recording's, each once."""
    import duckdb
    import pyarrow as pa

    from ingest.simulator.cmapss import BASE_MS, METRIC_NAMES

    columns: dict[str, list[Any]] = {"device_id": [], "metric_name": [], "event_at": [], "value": []}
    for engine in recorded:
        for cycle, row in enumerate(engine.rows, start=1):
            columns["device_id"] += [engine.work_unit_id] * len(row)
            columns["metric_name"] += METRIC_NAMES
            columns["event_at"] += [(BASE_MS + cycle * 3_600_000) * 1_000] * len(row)
            columns["value"] += row
    types = {
        "device_id": pa.string(),
        "metric_name": pa.string(),
        "event_at": pa.timestamp("us"),
        "value": pa.float64(),
    }
    expected = pa.table({name: pa.array(values, type=types[name]) for name, values in columns.items()})
    with duckdb.connect(str(deployment.warehouse_path), read_only=True) as connection:
        connection.register("recorded", expected)
        found, differing = connection.execute(_DIFFERENCE).fetchall()[0]
        landed, quarantined = connection.execute(
            "select (select count(*) from raw.message), (select count(*) from raw.quarantined_message)"
        ).fetchall()[0]
    return landed, quarantined, found, found == expected.num_rows and differing == 0


def _grade(deployment: Deployment, path: Path, *, subset: str, engine_count: int) -> dict[str, float]:
    """Predicted against true remaining life of the test engines."""
    import duckdb

    from ingest.simulator.cmapss import physical_asset_id, work_unit_id
    from ml.evaluation import remaining_life_report

    lives = _true_lives(path, subset=subset)
    if not lives:
        return {}
    truth = {
        physical_asset_id(subset=subset, work_unit=work_unit_id("test", number)): life
        for number, life in enumerate(lives[:engine_count], start=1)
    }
    with duckdb.connect(str(deployment.warehouse_path), read_only=True) as connection:
        predictions = connection.execute("select * from predictive.fct_asset_health").df()
    return remaining_life_report(predictions, truth, cap=125)


def _true_lives(path: Path, *, subset: str) -> list[float]:
    plain, packed = path / f"RUL_{subset}.txt", path / f"RUL_{subset}.txt.gz"
    if plain.is_file():
        text = plain.read_text(encoding="ascii")
    elif packed.is_file():
        text = gzip.decompress(packed.read_bytes()).decode("ascii")
    else:
        return []
    return [float(life) for life in text.split()]
