"""What stops a build before its first step is one sentence too."""

from __future__ import annotations

import pytest

from orchestration.build import _load_definitions
from orchestration.errors import BuildError


def test_a_dbt_project_that_cannot_be_parsed_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def defs() -> None:
        raise RuntimeError("a tree of components") from BuildError("dbt cannot parse the project")

    monkeypatch.setattr("orchestration.definitions.defs", defs)
    with pytest.raises(BuildError, match="dbt cannot parse the project"):
        _load_definitions()
