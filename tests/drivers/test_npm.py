"""npm is asked with the right words, and what it says becomes a version, a program, or one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccmux.core.errors import NothingToTry
from ccmux.drivers import npm as driver
from ccmux.drivers.npm import ClaudePackages

NPM = """#!/bin/sh
printf '%s\\n' "$@" >"$HOME/asked"
{does}
"""


@pytest.fixture
def packages(tmp_path: Path) -> ClaudePackages:
    (tmp_path / "cache").mkdir()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    return ClaudePackages(tmp_path / "cache", environment=environment)


def npm(tmp_path: Path, does: str) -> None:
    """Put a program of this name in front on the PATH: the registry is not ours to ask in a test."""
    path = tmp_path / "npm"
    path.write_text(NPM.format(does=does))
    path.chmod(0o700)


@pytest.mark.parametrize(("says", "version"), [('"2.1.330"', "2.1.330"), ('["2.1.1","2.1.2"]', "2.1.2")])
def test_a_version_is_asked_for(packages: ClaudePackages, tmp_path: Path, says: str, version: str) -> None:
    npm(tmp_path, f"echo '{says}'")
    assert packages.version("latest") == version
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:4] == ["view", "@anthropic-ai/claude-code@latest", "version", "--json"]


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (
            """echo '{"error": {"code": "E404", "summary": "No match"}}'; exit 1""",
            "npm knows no Claude Code '9.9.9'",
        ),
        ("""echo '{"error": {"code": "ENOTFOUND", "summary": "no network"}}'; exit 1""", "no network"),
        ("echo 'npm error code EACCES' >&2; exit 1", "code EACCES"),
        ("exit 1", "it says nothing"),
        ("exit 0", "npm knows no Claude Code"),
    ],
)
def test_what_npm_refuses_is_said(packages: ClaudePackages, tmp_path: Path, does: str, says: str) -> None:
    npm(tmp_path, does)
    with pytest.raises(NothingToTry, match=says):
        packages.version("9.9.9")


@pytest.mark.parametrize("wanted", ["--global", "", "../x", "2.1.1 -g", "@evil/x"])
def test_what_is_no_version_never_reaches_npm(packages: ClaudePackages, tmp_path: Path, wanted: str) -> None:
    npm(tmp_path, "exit 0")
    with pytest.raises(NothingToTry):
        packages.version(wanted)
    assert not (tmp_path / "asked").exists()


def test_it_is_installed_into_our_folder_alone(packages: ClaudePackages, tmp_path: Path) -> None:
    npm(tmp_path, "mkdir -p node_modules/.bin; cd node_modules/.bin; printf x >claude; chmod +x claude")
    program = packages.install("2.1.330")
    assert program == tmp_path / "cache/node_modules/.bin/claude"
    assert program.stat().st_mode & 0o777 == 0o700
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "install"
    assert "--global=false" in asked
    assert asked[asked.index("--prefix") + 1] == str(tmp_path / "cache")
    assert "--globalconfig" not in asked


def test_the_machines_own_npmrc_counts_though_the_folder_is_ours(
    packages: ClaudePackages, tmp_path: Path
) -> None:
    says_where = """case "$*" in
      *--prefix*) echo '"2.1.330"' ;;
      "config get globalconfig"*) echo /etc/npm/npmrc ;;
    esac"""
    npm(tmp_path, says_where)
    packages.version("latest")
    asked = (tmp_path / "asked").read_text().split()
    assert asked[asked.index("--globalconfig") + 1] == "/etc/npm/npmrc"


def test_what_npm_was_asked_is_said_where_it_never_answers(
    packages: ClaudePackages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path, 'case "$1" in view) exec sleep 1000 ;; esac')
    monkeypatch.setattr(driver, "_ASK_S", 0.5)
    says = r"npm was asked which Claude Code is 'latest': no answer within 0.5 s; see whether .* registry"
    with pytest.raises(NothingToTry, match=says):
        packages.version("latest")


def test_an_installation_that_fails_is_said(packages: ClaudePackages, tmp_path: Path) -> None:
    npm(tmp_path, "echo 'npm ERR! code ENOSPC' >&2; echo 'npm ERR! A complete log is x' >&2; exit 228")
    with pytest.raises(NothingToTry, match="code ENOSPC; make room") as failed:
        packages.install("2.1.330")
    assert "complete log" not in str(failed.value)


def test_without_npm_the_way_out_is_said(tmp_path: Path) -> None:
    packages = ClaudePackages(tmp_path, environment={"PATH": str(tmp_path / "nothing")})
    with pytest.raises(NothingToTry, match=r"no npm on the PATH.*--claude PATH"):
        packages.version("latest")


def test_the_folder_is_one_persons_at_a_time(packages: ClaudePackages) -> None:
    with packages.held(), pytest.raises(NothingToTry, match="another upgrade-check"), packages.held():
        pass
    with packages.held():
        pass
