"""`ccmux upgrade-check` as a program: verdict and exit code, and that nothing of it is left, cut or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ccmux.trial.waiting import until
from tests.claude.real import find_claude
from tests.trial.altered import altered

PROGRAM = Path(sys.executable).parent / "ccmux"
SESSION = "session: /exit"
SLOW = """#!/bin/sh
: >'{folder}/started'
until [ -e '{folder}/go on' ]; do sleep 0.05; done
"""


class Desk:
    """Where somebody types the command: a project, and a folder for what is temporary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.passing = folder / "tmp"
        for made in (self.project, self.passing, folder / "home"):
            made.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "TMPDIR": str(self.passing),
            "ANTHROPIC_API_KEY": "mine",
        }

    def start(self, *words: str, under: str = "") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*under.split(), PROGRAM, "upgrade-check", *words],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=100)
        return process.returncode, out, err

    def slow(self) -> str:
        """Write a program that answers when it may go on, and return its path."""
        path = self.folder / "claude"
        path.write_text(SLOW.format(folder=self.folder))
        path.chmod(0o700)
        return str(path)

    def wait_for(self, name: str) -> None:
        until((self.folder / name).exists, f"there is {name}")

    def in_use(self, program: str) -> None:
        (self.project / "ccmux.toml").write_text(f'[claude]\ncommand = ["{program}"]\n')

    def left(self) -> list[str]:
        """Return what is left: files in the temporary folder, and processes that know of one."""
        found = [str(path) for path in self.passing.iterdir()]
        wanted = f"HOME={self.passing}/".encode()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted in (path / "environ").read_bytes():
                    found.append((path / "cmdline").read_bytes().decode())
        return found


@pytest.fixture
def desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="ccx-", dir="/tmp") as folder:
        yield Desk(Path(folder))


@pytest.mark.real_claude
def test_the_tested_claude_is_safe(desk: Desk) -> None:
    desk.in_use(find_claude())
    code, out, err = desk.run("--claude", find_claude(), "--only", SESSION)
    assert code == 0, out
    assert out.splitlines()[-1].startswith("safe: Claude Code 2.")
    assert "1/1 ok      session: /exit" in err
    assert desk.left() == []
    assert [path.name for path in desk.project.iterdir()] == ["ccmux.toml"]
    assert list((desk.folder / "home").iterdir()) == []


def test_an_altered_claude_is_not_safe_and_the_one_in_use_is_tried_on_what_failed(
    desk: Desk,
) -> None:
    desk.in_use(str(PROGRAM.with_name("ccmux-demo-agent")))
    program = altered(desk.folder, "shows no permission dialog")
    code, out, _ = desk.run("--claude", program, "--only", "permission", "--json")
    assert code == 1
    told = json.loads(out)
    assert told["safe"] is False
    assert told["tried"] == {"version": "9.8.7", "path": program}
    [case] = told["cases"]
    assert told["verdict"].endswith(f"({case['name']}); stay with {told['in_use']['version']}")
    assert "permission_request before the turn" in case["says"]
    assert case["passed_in_use"] is True
    assert desk.left() == []


def test_a_cut_leaves_nothing_behind(desk: Desk) -> None:
    with desk.start("--claude", altered(desk.folder, "as it is")) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith(" 1/"):
            assert process.poll() is None
        while len(desk.left()) < 8:  # houses of the next cases, half built
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert desk.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_whatever_cuts_it_it_is_a_cut(desk: Desk, number: int) -> None:
    with desk.start("--claude", desk.slow()) as process:
        desk.wait_for("started")
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert desk.left() == []


def test_behind_nohup_a_terminal_may_go(desk: Desk) -> None:
    with desk.start("--claude", desk.slow(), under="nohup") as process:
        desk.wait_for("started")
        process.send_signal(signal.SIGHUP)
        (desk.folder / "go on").touch()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "says no version" in err


def test_where_there_is_nothing_to_try_one_line_says_so(desk: Desk) -> None:
    desk.environment["PATH"] = "/nothing"
    code, out, err = desk.run()
    assert (code, out) == (1, "")
    asking, says = err.splitlines()
    assert asking == "asking npm for Claude Code latest"
    assert says.startswith("ccmux: nothing to try: there is no npm on the PATH")
    assert desk.left() == []


def test_a_version_and_a_program_are_one_too_many(desk: Desk) -> None:
    code, _, err = desk.run("2.1.330", "--claude", "/bin/true")
    assert code == 2
    assert "not allowed with" in err
