"""What every test shares: where the project lies, and a home that no test leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

PROJECT = Path(__file__).parent.parent
SHARED = PROJECT.parent / "shared"


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of this checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the checkout, present in development and CI only."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip("the reference data (../shared/data) is not on this machine")
    return data


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares costly imports and fixtures shares a worker: a package's unit tests, a file's integration tests.

    Groups of several files say so themselves.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            inside = item.path.relative_to(PROJECT / "tests").parts
            group = "/".join(inside[:2]) if inside[0] == "unit" else item.path.as_posix()
            item.add_marker(pytest.mark.xdist_group(group))
