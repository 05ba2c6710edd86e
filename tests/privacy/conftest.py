from __future__ import annotations

from pathlib import Path

import pytest

from tests.privacy.repository import Check, Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def check(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    return Check(repository, monkeypatch, capsys)
