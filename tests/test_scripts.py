"""The scripts people type: what can be told of them without installing anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = b"#!/usr/bin/env bash"
SCRIPTS = [path for path in sorted((ROOT / "scripts").glob("*")) if path.read_bytes().startswith(BASH)]


def test_the_scripts_that_people_are_told_of_are_there() -> None:
    assert {"setup", "run", "test", "check"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_a_script_is_strict_and_can_be_parsed(script: Path) -> None:
    assert "\nset -euo pipefail\n" in script.read_text()
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("name", ["setup", "run", "test"])
def test_help_tells_what_a_script_does_and_does_nothing(name: str) -> None:
    told = subprocess.run([ROOT / "scripts" / name, "--help"], capture_output=True, text=True, check=True)
    assert f"  scripts/{name}  " in told.stdout
    assert told.stderr == ""


def test_setup_refuses_what_it_does_not_know() -> None:
    told = subprocess.run([ROOT / "scripts" / "setup", "--fly"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert "unknown argument '--fly'" in told.stderr
