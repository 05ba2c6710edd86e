"""The way to a project's place."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

import pytest

from ccmux.cli.place import enter
from ccmux.core.errors import SettingsInvalid


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


@pytest.mark.parametrize(
    ("folder", "config", "variable", "found"),
    [
        (None, None, None, "here/ccmux.toml"),
        (None, None, "", "here/ccmux.toml"),
        (None, None, "named.toml", "here/named.toml"),
        (None, "other.toml", "named.toml", "here/other.toml"),
        ("../there", None, "named.toml", "there/ccmux.toml"),
        ("../there", "other.toml", "named.toml", "there/other.toml"),
    ],
)
def test_a_word_says_more_than_the_variable(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str | None,
    config: str | None,
    variable: str | None,
    found: str,
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        for file in ("named.toml", "other.toml"):
            (tmp_path / name / file).touch()
    here = Path(os.path.realpath(tmp_path))
    monkeypatch.chdir(here / "here")
    if variable is not None:
        monkeypatch.setenv("CCMUX_CONFIG", variable and str(here / "here" / variable))
    assert enter(Namespace(folder=folder, config=config)) == here / found


def test_a_variable_that_names_no_file_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCMUX_CONFIG", "/no/such.toml")
    with pytest.raises(SettingsInvalid, match=r"no/such.toml: .*CCMUX_CONFIG names it"):
        enter(Namespace(folder=None, config=None))
