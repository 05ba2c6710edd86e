"""The way to a project's place."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

import pytest

from ccmux.cli.place import enter


@pytest.mark.parametrize("link_is", ["folder", "word"])
def test_a_settings_file_has_one_name_whichever_way_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link_is: str
) -> None:
    monkeypatch.chdir(tmp_path)
    real = Path(os.path.realpath(tmp_path)) / "real"
    real.mkdir()
    (real / "ccmux.toml").touch()
    (tmp_path / "link").symlink_to(real)
    words = {"folder": ("link", None), "word": (None, "link/ccmux.toml")}
    folder, config = words[link_is]
    assert enter(Namespace(folder=folder, config=config)) == real / "ccmux.toml"


def test_a_settings_file_that_is_a_link_keeps_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared.toml").touch()
    (tmp_path / "ccmux.toml").symlink_to("shared.toml")
    assert enter(Namespace(folder=None, config="ccmux.toml")).name == "ccmux.toml"
