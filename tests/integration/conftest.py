"""Every test in this folder is an integration test: it meets a real broker, database or browser."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(autouse=True)
def _one_at_a_time_on_postgres(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests marked for the group `postgres` empty one database: whatever worker they land on, they take turns."""
    mark = request.node.get_closest_marker("xdist_group")
    if mark is None or mark.args != ("postgres",):
        yield
        return
    with (Path(tempfile.gettempdir()) / "lineshaft-test-postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
