"""The way to a project's place."""

from __future__ import annotations

import os
import re
import time
from argparse import Namespace
from pathlib import Path

import pytest

from ccmux.cli.main import main
from ccmux.cli.place import daemons_place, enter
from ccmux.core.control import answer
from ccmux.core.errors import SettingsInvalid
from ccmux.place import place_at
from tests.cli.conftest import STATUS, Project, kind


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


# ------------------------------------------------------------------------- where ccmux.toml is wrong


@pytest.fixture
def kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose settings were good before; we are in its folder, in no service."""
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.chdir(project.folder)
    place_at(project.config, os.environ).keep()
    return project


WRONG = "[timers.a]\nmessage = 'x'\n[mcp]\nprt = 1\n"


@pytest.mark.parametrize("words", [["status"], ["messages"], ["why"], ["pause"], ["send", "--id", "k", "x"]])
def test_commands_go_on_with_the_settings_that_were_good_and_say_so(kept: Project, words: list[str]) -> None:
    kept.config.write_text(WRONG)
    with kept.daemon(kind) as asked:
        done = kept.run(*words)
    assert done.returncode == 0
    assert asked
    (warning,) = done.stderr.splitlines()
    assert warning.startswith(f"ccmux: {kept.config} is wrong (line 1: [timers.a] ")
    assert re.search(r"; and 1 more\); using the one of \d\d:\d\d; mend it$", warning)


def test_a_message_is_kept_while_the_daemon_is_down_and_the_settings_are_wrong(kept: Project) -> None:
    kept.config.write_text("x = [\n")
    assert kept.run("send", "hello").returncode == 0
    assert [message["content"] for message in kept.spooled] == ["hello"]


def test_in_the_foreground_the_daemon_refuses_and_tells_every_problem(
    kept: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.config.write_text(WRONG)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"ccmux: {kept.config}")
    assert "line 1: [timers.a] needs " in said
    assert "line 4: [mcp] prt is no setting" in said


@pytest.mark.parametrize("config", [None, "ccmux.toml"])
@pytest.mark.parametrize("text", [WRONG, None])
def test_under_a_service_manager_the_daemon_goes_on(
    kept: Project, monkeypatch: pytest.MonkeyPatch, text: str | None, config: str | None
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    if text is None:
        kept.config.unlink()
    else:
        kept.config.write_text(text)
    place = daemons_place(Namespace(folder=None, config=config))
    assert place.trouble is not None
    assert place.paths.runtime_dir == kept.runtime


def test_in_the_foreground_a_file_that_is_gone_means_the_defaults_unless_it_is_named(kept: Project) -> None:
    kept.config.unlink()
    assert daemons_place(Namespace(folder=None, config=None)).content is None
    with pytest.raises(SettingsInvalid, match="there is no such file"):
        daemons_place(Namespace(folder=None, config="ccmux.toml"))
    with pytest.raises(SettingsInvalid, match="there is no such file"):
        enter(Namespace(folder=None, config="never.toml"))


def test_the_status_of_a_daemon_that_uses_older_settings_says_why(kept: Project) -> None:
    settings = {"wrong": ["line 2: no", "line 9: neither"], "used_since": time.time() - 7_200}
    with kept.daemon(lambda _: answer(status={**STATUS, "settings": settings})):
        lines = kept.run("status").stdout.splitlines()
    at = lines.index("  settings  wrong when it started; it uses those of 2 h 0 min ago")
    assert lines[at + 1 : at + 3] == ["            line 2: no", "            line 9: neither"]
