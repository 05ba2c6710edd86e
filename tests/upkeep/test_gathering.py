"""Where a deployment finds what is ccmux's own."""

from __future__ import annotations

import sysconfig
import tomllib
from pathlib import Path

import pytest

import ccmux
from ccmux.core.units import DAEMON
from ccmux.drivers.systemd.manager import UserManager
from ccmux.place import place_at
from ccmux.upkeep.gathering import gather, own_folder

CHECKOUT = Path(__file__).resolve().parents[2]
SELFCHECK = "scripts/startup_selfcheck.py"


def test_scripts_are_the_checkouts() -> None:
    assert own_folder() == CHECKOUT


def test_without_a_checkout_they_are_where_pip_puts_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    assert packed == {"share/ccmux/scripts": [SELFCHECK]}
    monkeypatch.setattr(ccmux, "__file__", str(tmp_path / "site-packages/ccmux/__init__.py"))
    monkeypatch.setattr(sysconfig, "get_path", lambda _name, scheme: str(tmp_path / scheme))
    assert own_folder() == tmp_path / "site-packages", "where a person would look for what is missing"
    for scheme in (sysconfig.get_preferred_scheme("user"), sysconfig.get_default_scheme()):
        script = tmp_path / scheme / "share/ccmux" / SELFCHECK
        script.parent.mkdir(parents=True)
        script.touch()
        assert own_folder() == tmp_path / scheme / "share/ccmux"


def test_the_daemon_sees_what_says_where_things_lie_as_who_deploys_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(UserManager, "version", lambda _self: 252)
    config = tmp_path / "ccmux.toml"
    config.touch()
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path), "TMUX_TMPDIR": "sockets", "EDITOR": "vi"}
    gathered = gather(place_at(config, environment), environment, UserManager(environment), {})
    text = gathered.rendered[DAEMON]
    assert f"Environment=TMUX_TMPDIR={tmp_path}/sockets\n" in text, "its tmux server is the one of our shell"
    assert "EDITOR" not in text
