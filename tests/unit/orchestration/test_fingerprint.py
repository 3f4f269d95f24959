"""A build is up to date when nothing has changed since it began, not since it ended."""

from __future__ import annotations

from pathlib import Path

from ingest.landing import MANIFESTS
from orchestration.fingerprint import fingerprint_inputs, is_up_to_date, record_completed_build
from orchestration.serving.copy import FILE_NAME
from orchestration.settings import TEMPLATE, Deployment, load_deployment


def a_built_deployment(home: Path) -> Deployment:
    deployment = load_deployment(TEMPLATE, home=home)
    for path in (deployment.serving / FILE_NAME, home / "operations.sqlite", home / MANIFESTS / f"{1:020d}-a.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return deployment


def test_a_build_with_nothing_new_is_up_to_date(tmp_path: Path) -> None:
    deployment = a_built_deployment(tmp_path)
    record_completed_build(deployment, inputs=fingerprint_inputs(deployment))
    assert is_up_to_date(deployment)


def test_a_batch_that_lands_while_a_build_runs_is_news_to_the_next(tmp_path: Path) -> None:
    deployment = a_built_deployment(tmp_path)
    inputs = fingerprint_inputs(deployment)
    (tmp_path / MANIFESTS / f"{2:020d}-a.json").touch()
    record_completed_build(deployment, inputs=inputs)
    assert not is_up_to_date(deployment)
