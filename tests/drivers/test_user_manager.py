"""Where no user manager answers, the reason is the true one; the rest is in tests/systemd."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccmux.drivers.systemd import manager
from ccmux.drivers.systemd.manager import UserManager

NOBODY = 65_534


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """Return the runtime directory of another user."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0)
    return folder


def test_another_users_runtime_directory_is_told_as_that(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "_SYSTEMD_RUNS", Path("/"))
    user = UserManager({**os.environ, "XDG_RUNTIME_DIR": str(closed)})
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        said = user.unreachable()
    finally:
        if is_root:
            os.seteuid(0)
    assert said is not None
    assert "does not answer" in said.why
    assert "not by su or sudo" in said.way_out


def test_an_empty_runtime_directory_is_told_as_no_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "_SYSTEMD_RUNS", Path("/"))
    said = UserManager({**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}).unreachable()
    assert str(said).startswith("no user manager runs for ")


def test_systemctl_that_hangs_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "_QUESTION_S", 0.1)
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    said = UserManager({"PATH": f"{tmp_path}:{os.environ['PATH']}"}).unreachable()
    assert str(said).startswith("systemctl does not end (")
