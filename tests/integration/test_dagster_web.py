"""Dagster as a data team opens it: the web server starts from this checkout, a browser shows the assets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.brokers import a_free_port

BIN = Path(sys.executable).parent
QUERY = """
{
  assetNodes { groupName }
  schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "lineshaft"}) {
    ... on Schedules { results { name scheduleState { status } } }
  }
}
"""


@pytest.fixture(scope="module")
def server(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster").mkdir()
    shutil.copy(project / "dagster.yaml", home / "dagster")
    port = a_free_port()
    process = subprocess.Popen(
        [str(BIN / "dagster"), "dev", "--host", "127.0.0.1", "--port", str(port)],
        cwd=project,
        env={**os.environ, "LINESHAFT_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=5):
                return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError("dagster dev did not answer")


def test_the_code_location_shows_its_groups_and_its_stopped_schedules(server: str) -> None:
    request = urllib.request.Request(
        f"{server}/graphql", json.dumps({"query": QUERY}).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        data = json.load(answer)["data"]
    assert {node["groupName"] for node in data["assetNodes"]} >= {"raw", "staging", "production", "billing", "feeds"}
    schedules = {each["name"]: each["scheduleState"]["status"] for each in data["schedulesOrError"]["results"]}
    assert schedules == {
        "warehouse_build_daily": "STOPPED",
        "invoices_draft_monthly": "STOPPED",
        "landing_compact_daily": "STOPPED",
    }


def test_a_browser_shows_the_assets(server: str, tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path}"]
    page = subprocess.run(
        [browser, *flags, "--virtual-time-budget=20000", "--dump-dom", f"{server}/asset-groups"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    for group in ("performance", "predictive", "billing"):
        assert group in page


def test_dg_finds_every_definition_sound(project: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(BIN / "dg"), "check", "defs"],
        cwd=project,
        env={**os.environ, "LINESHAFT_HOME": str(tmp_path), "VIRTUAL_ENV": str(BIN.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout + done.stderr
