"""The self-check where no systemd answers: what it asks, what it tells, and how that comes to the daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ccmux.core.control import answer
from ccmux.core.runs import Run, told_runs
from ccmux.place import place_at
from tests.cli.conftest import STATUS, Project, lines

SCRIPT = Path(__file__).parents[2] / "scripts/startup_selfcheck.py"
NOW_S = 1_795_194_000.0
KILLED = (
    Run(started_at=NOW_S - 900, alive_at=NOW_S - 800),
    Run(started_at=NOW_S, alive_at=NOW_S),
)


def selfcheck(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it as a user who has no service manager, whatever the machine has."""
    return subprocess.run(
        [sys.executable, SCRIPT, *words],
        cwd=project.folder,
        env=project.environment | {"XDG_RUNTIME_DIR": str(project.folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Daemon:
    """A daemon that has been killed once, as it tells it itself, or whatever `runs` it had."""

    def __init__(self, project: Project, *, runs: Sequence[Run] = KILLED) -> None:
        self._runs = runs
        self._fifo = project.runtime / "in.selfcheck"
        os.mkfifo(self._fifo, 0o600)
        self._reader = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.took: list[dict[str, Any]] = []

    def close(self) -> None:
        os.close(self._reader)

    def answers(self, request: dict[str, Any]) -> bytes:
        match request["op"]:
            case "status":
                return answer(status={**STATUS, "queue": {"queued": 1, "dead": 1}, "hold": "paused"})
            case "runs":
                return answer(runs=told_runs(self._runs, since=request.get("since")))
            case "why":
                return answer(holds=[{"state": "queued", "since_s": 90}])
            case "dead":
                return answer(letters=[{"at": NOW_S}])
            case op:
                assert op == "show"
                self.took += [json.loads(line) for line in os.read(self._reader, 65_536).splitlines()]
                return answer(messages=[one for one in self.took if one["id"] == request["id"]])


def crashes(request: dict[str, Any]) -> bytes:
    assert request == {"since": 41, "types": ["claude"]}
    return lines({"seq": 50, "ts": NOW_S, "type": "claude", "event": "crashed", "exit": -9})


def test_it_tells_what_the_daemon_knows_and_begins_there_the_next_time(project: Project) -> None:
    daemon = Daemon(project)
    kept = project.data / "ccmux/my-app/selfcheck.json"
    kept.parent.mkdir(parents=True, mode=0o700)
    project.data.chmod(0o700)
    kept.write_text(json.dumps({"at": NOW_S - 10, "seq": 41, "timers": [], "findings": []}))
    with project.daemon(daemon.answers, crashes):
        done = selfcheck(project)
        kept_now = json.loads(kept.read_text())
        again = selfcheck(project, "--dry-run")
    daemon.close()
    assert (done.returncode, done.stderr) == (0, "told by in.selfcheck\n")
    (message,) = daemon.took
    assert (message["channel"], message["content"] + "\n") == ("selfcheck", done.stdout)
    for says in (
        r"note: downtime: nothing ran from .* \(13 min\): the (daemon was killed|machine was started)",
        r"note: claude restarts: crashed once, at .* \(exit -9\), and was started again",
        r"note: messages waiting: 1 held for up to 1 min: paused",
        r"note: messages dead: 1 could not be taken or delivered, 1 of them new",
    ):
        assert re.search(f"(?m)^{says}", done.stdout), says
    assert (kept_now["since"], kept_now["seq"], kept_now["ok"]) == (NOW_S - 10, 41, False)
    assert (again.returncode, "nothing ran" in again.stdout) == (0, False)
    assert len(daemon.took) == 1


def test_a_stop_before_the_last_self_check_is_still_a_stop(project: Project) -> None:
    began_s = 1_600_000_000.0
    stopped = Run(started_at=began_s, alive_at=began_s + 50, ended_at=began_s + 50)
    daemon = Daemon(project, runs=(stopped, Run(started_at=began_s + 900, alive_at=NOW_S)))
    kept = project.data / "ccmux/my-app/selfcheck.json"
    kept.parent.mkdir(parents=True, mode=0o700)
    kept.write_text(json.dumps({"at": began_s + 100, "seq": 41, "timers": [], "findings": []}))
    with project.daemon(daemon.answers, crashes):
        done = selfcheck(project, "--dry-run")
    daemon.close()
    assert re.search(
        r"(?m)^note: downtime: nothing ran from .* \(14 min\): the daemon was stopped$", done.stdout
    )


def test_a_disk_that_takes_nothing_is_told(project: Project) -> None:
    daemon = Daemon(project)
    (project.data / "ccmux").mkdir(parents=True)
    (project.data / "ccmux/my-app").write_text("in the way")
    (project.data / "ccmux/my-app").chmod(0o600)
    with project.daemon(daemon.answers):
        done = selfcheck(project)
    daemon.close()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "nothing can be kept there (Not a directory); make room; the next self-check tells it again"
    )


def test_settings_that_are_wrong_are_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    good = place_at(project.config, project.environment)
    project.config.write_text("nonsense = 1\n")
    done = selfcheck(project, "--dry-run")
    assert done.returncode == 1
    assert "nonsense" in done.stderr
    good.keep()
    done = selfcheck(project, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(
        r"(?m)^BAD: settings: \S+ it is wrong, the one of \d\d:\d\d is used: line 1: .*nonsense", done.stdout
    )
    assert "\n  mend: edit ccmux.toml, then ccmux-deploy\n" in done.stdout
