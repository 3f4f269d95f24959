"""orchestration.demonstration: the account of messages, and a home that already holds a demo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.demonstration import RECORD, MessageAccount, _play_once
from orchestration.errors import DeploymentError
from orchestration.settings import TEMPLATE, load_deployment


def test_an_account_balances_only_when_nothing_is_lost_and_nothing_doubled() -> None:
    account = {"published": 10, "published_twice": 2, "quarantined": 1, "doubled": 0}
    assert MessageAccount(**account, landed=7).balances
    assert not MessageAccount(**account, landed=6).balances
    assert not MessageAccount(**{**account, "doubled": 1}, landed=7).balances


def test_a_home_with_another_demo_is_refused_before_anything_is_published(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(json.dumps({"scenario": "another", "publication": {}}))
    with pytest.raises(DeploymentError, match="holds a demo of another scenario or length"):
        _play_once(load_deployment(TEMPLATE, home=tmp_path), days=None, on_progress=lambda *_: None)
