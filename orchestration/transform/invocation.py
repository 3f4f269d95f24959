"""One dbt command in this process, with its result as plain values.

Belongs here: the environment a command runs in, reuse of the parsed project, results as frozen values.
Does not belong here: Dagster.

A dbt process costs seconds before its first statement; in this process, with the project parsed once, thirty models
take about as long as one start. dbt closes its DuckDB connection when the command ends; the caller must have closed
its own before, because one process opens a file with one configuration only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import BuildError

PROJECT = Path(__file__).parents[2] / "dbt_project"
_QUIET = (
    "--quiet",
    "--log-level",
    "none",
    "--log-level-file",
    "none",
    "--no-version-check",
    "--no-send-anonymous-usage-stats",
)


@dataclass(frozen=True, kw_only=True)
class NodeResult:
    """What became of one model, seed or test."""

    unique_id: str
    status: str
    """success, error, skipped, partial success; for tests pass, warn, fail, error, skipped."""
    seconds: float
    message: str
    failure_count: int | None

    @property
    def is_built(self) -> bool:
        """Whether a model or seed was written."""
        return self.status == "success"

    @property
    def is_passed(self) -> bool:
        """Whether a test holds."""
        return self.status in {"pass", "success"}


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """A command's nodes in the order they finished; `exception` is what stopped dbt itself."""

    nodes: tuple[NodeResult, ...]
    exception: BaseException | None


class DbtSession:
    """The dbt project over one home: parsed with the first command, built as often as wanted."""

    def __init__(self, *, home: Path, project: Path = PROJECT) -> None:
        self.home = home
        self.project = project
        self._parsed: Any = None

    def parse(self) -> None:
        """Read the project; writes manifest.json, and is quick when dbt's own cache is fresh.

        Raises:
            BuildError: dbt cannot parse the project.
        """
        result = _run(["parse"], home=self.home, project=self.project, manifest=None)
        if result.exception is not None:
            raise BuildError(f"dbt cannot parse {self.project}: {result.exception}")
        self._parsed = result.result

    def build(self, *, select: str, exclude: str = "") -> CommandResult:
        """Build models and test them, in the order of the graph; a failed test stops what stands on it.

        Unit tests prove the SQL, not the data: they run in the test suite, not here.
        """
        if self._parsed is None:
            self.parse()
        command = ["build", "--select", *select.split(), "--exclude-resource-type", "unit_test"]
        command += ["--exclude", *exclude.split(), "--indirect-selection", "cautious"] if exclude else []
        result = _run(command, home=self.home, project=self.project, manifest=self._parsed)
        return CommandResult(nodes=_nodes(result.result), exception=result.exception)

    def test(self, *, select: str) -> CommandResult:
        """Test models as they stand, without building them."""
        if self._parsed is None:
            self.parse()
        command = ["test", "--select", *select.split(), "--exclude", "test_type:unit"]
        result = _run(command, home=self.home, project=self.project, manifest=self._parsed)
        return CommandResult(nodes=_nodes(result.result), exception=result.exception)


def run_models(session: DbtSession, *, models: Sequence[str]) -> CommandResult:
    """Build exactly these models, without tests: for a benchmark, which brings what they stand on.

    Raises:
        BuildError: A model failed.
    """
    result = _run(["run", "--select", *models], home=session.home, project=session.project, manifest=None)
    nodes = _nodes(result.result)
    if broken := [node for node in nodes if not node.is_built]:
        raise BuildError("; ".join(f"{node.unique_id}: {node.message.strip()}" for node in broken))
    return CommandResult(nodes=nodes, exception=result.exception)


def _run(command: list[str], *, home: Path, project: Path, manifest: Any) -> Any:
    from dbt.cli.main import dbtRunner

    with _environment(home):
        try:
            return dbtRunner(manifest=manifest).invoke([*command, *_paths(home, project), *_QUIET])
        finally:
            _release_warehouse()


def _release_warehouse() -> None:
    """Close what dbt-duckdb keeps open for its next command (1.11.1): the file must be free for ours."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import cleanup_connections

    cleanup_connections()  # type: ignore[no-untyped-call]  # dbt types none of these three
    try:
        environment = DuckDBConnectionManager.env()
    except Exception:  # noqa: BLE001 - dbt-duckdb raises a bare Exception when nothing was ever opened
        return
    environment.close()  # type: ignore[no-untyped-call]
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _paths(home: Path, project: Path) -> Sequence[str]:
    target, logs = home / "dbt" / "target", home / "dbt" / "logs"
    return (
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(target), "--log-path", str(logs)),
    )


def _nodes(result: Any) -> tuple[NodeResult, ...]:
    return tuple(
        NodeResult(
            unique_id=node.node.unique_id,
            status=str(node.status),
            seconds=float(node.execution_time),
            message=str(node.message or ""),
            failure_count=node.failures,
        )
        for node in getattr(result, "results", None) or ()
    )


@contextmanager
def _environment(home: Path) -> Iterator[None]:
    """What the project's profile reads; put back afterwards."""
    wanted = {
        "LINESHAFT_WAREHOUSE_PATH": str(home / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(home / "dbt" / "target"),
        "DBT_LOG_PATH": str(home / "dbt" / "logs"),
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
