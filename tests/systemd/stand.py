"""A real systemd with a user manager, in namespaces of its own, for one user who has nothing yet.

It boots in half a second, reaches nothing of the machine's own managers, and dies with the test. Inside, /run
and /tmp are private; the stand's folder (home, project, runtime directory) is the same inside and outside, as
is loopback. It needs root, for the namespaces.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from ccmux.client import ControlClient
from ccmux.core.errors import DaemonUnreachable
from ccmux.trial.ports import LentPort
from tests.claude.real import scratch_home
from tests.house.stand import LIMIT_S, until

SHARED = Path("/dev/shm")
"""Where a folder is the same inside and outside, with paths short enough for sockets."""

HERE = Path(__file__).resolve().parent
CGROUPS = Path("/sys/fs/cgroup")
CHECKOUT = HERE.parents[1]
PROGRAMS = Path(sys.executable).parent


class SystemdStand:
    """A user's systemd, home and project; nothing is deployed yet.

    Attributes:
        folder: All of it; below it `home`, `project` and `run`, the runtime directory.
        unit_dir: Where the user's units are.
        environment: What a command of the user's starts with.
        settings: What `write_settings` writes: the demo agent in a private runtime directory.

    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ccx-", dir=SHARED))
        self.home = self.folder / "home"
        self.project = self.folder / "project"
        self.run_dir = self.folder / "run"
        self.unit_dir = self.home / ".config/systemd/user"
        self._port = LentPort()
        self.port = self._port.number
        self._boot: subprocess.Popen[bytes] | None = None
        self._manager: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self.environment = {
            "HOME": str(self.home),
            "USER": "root",
            "PATH": f"{PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": "/run/user/0",
        }
        self.settings: dict[str, dict[str, Any]] = {}

    # ----------------------------------------------------------------------------------- up and down

    def __enter__(self) -> Self:
        for folder in (self.home, self.project, self.unit_dir):
            folder.mkdir(parents=True, mode=0o700)
        own = scratch_home(self.home / "claude", self.project)
        claude_env = {name: value for name, value in own.items() if os.environ.get(name) != value}
        del claude_env["HOME"], claude_env["PATH"], claude_env["TMPDIR"]
        self.settings = {
            "project": {"name": "stand"},
            "runtime": {"dir": str(self.run_dir)},
            "mcp": {"port": self.port},
            "claude": {
                "command": [sys.executable, "-m", "ccmux.demo"],
                "env": claude_env | {"CCMUX_DEMO_ANSWERS": "0"},
            },
            "recovery": {"backoff_initial": 0.1},
        }
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.show()
        self._end()

    def _start(self) -> None:
        # `env -i` keeps the machine's own variables, its proxies say, out of every unit.
        namespaces = ("-m", "-p", "-u", "-i", "--fork", "--kill-child")
        self._boot = subprocess.Popen(
            ["unshare", *namespaces, "/bin/bash", str(HERE / "boot.sh"), str(CHECKOUT), self.folder.name],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._booted, "systemd came up")
        self._manager = subprocess.Popen(
            self._inside(["/bin/bash", str(HERE / "manager.sh")]),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._is_running, "the user manager came up")

    def _booted(self) -> bool:
        assert self._boot is not None
        assert self._boot.poll() is None, "systemd does not boot in namespaces here"
        with suppress(OSError, ValueError):
            (self._pid,) = map(
                int, Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children").read_text().split()
            )
            return Path(f"/proc/{self._pid}/root/run/systemd/private").is_socket()
        return False

    def _is_running(self) -> bool:
        said = self.run("systemctl", "--user", "is-system-running", check=False).stdout.strip()
        return said in {"running", "degraded"}

    def _end(self) -> None:
        # The first process of the namespace takes all others with it, and is only reaped after them; what
        # started it waits for that, so nobody is left who would make the folder again.
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        elif self._boot is not None:
            self._boot.kill()
        for process in (self._boot, self._manager):
            if process is not None:
                process.wait()
        self._port.give_back()
        for group in (*CGROUPS.glob(self.folder.name), *CGROUPS.glob(f"*/{self.folder.name}")):
            for below, _, _ in os.walk(group, topdown=False):
                Path(below).rmdir()
        shutil.rmtree(self.folder)

    # ---------------------------------------------------------------------------------------- inside

    def _inside(
        self, argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] = {}
    ) -> list[str]:
        variables = [f"{name}={value}" for name, value in (self.environment | dict(env)).items()]
        entered = ("-t", str(self._pid), "-m", "-p", "-C", "-u", "-i", f"-w{cwd or self.project}")
        return ["nsenter", *entered, "env", "-i", *variables, *argv]

    def run(
        self,
        *argv: str,
        check: bool = True,
        cwd: Path | None = None,
        env: Mapping[str, str] = {},
        text: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the user, in the project's folder; a failure says what it printed."""
        done = subprocess.run(
            self._inside(argv, cwd=cwd, env=env),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def systemctl(self, *words: str, check: bool = True) -> str:
        """Run `systemctl --user` and return what it printed."""
        return self.run("systemctl", "--user", *words, check=check).stdout.strip()

    def property(self, unit: str, name: str) -> str:
        """Return one property of a unit, as `systemctl show` has it."""
        return self.systemctl("show", "-p", name, "--value", unit)

    def until_active(self, unit: str, state: str = "active") -> None:
        """Wait until the unit is in this state."""
        until(
            lambda: self.property(unit, "ActiveState") == state,
            lambda: f"{unit} {state}: {self.systemctl('status', '--no-pager', unit, check=False)}",
        )

    def kill_group(self, unit: str) -> None:
        """Kill all of a unit's control group with -9, in one step of the kernel's.

        `systemctl kill` reads cgroup.procs and gives up half-way with EIO at a pid 0: somebody who has no pid
        in this namespace, or none any more: it ended just now. Said again it might meet the next daemon.
        """
        group = self.property(unit, "ControlGroup")
        assert group, f"{unit} has no control group"
        self.run("tee", f"/sys/fs/cgroup/unified{group}/cgroup.kill", text="1")

    def journal(self, unit: str) -> str:
        """Return the lines of a user unit, and the manager's lines of it."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "-o", "cat", "--user-unit", unit).stdout

    def write_unit(self, name: str, text: str) -> Path:
        """Write a unit by hand and let the manager read it."""
        path = self.unit_dir / name
        path.write_text(text)
        self.systemctl("daemon-reload")
        return path

    # ----------------------------------------------------------------------------------------- ccmux

    def write_settings(self) -> Path:
        """Write `ccmux.toml` into the project."""
        path = self.project / "ccmux.toml"
        path.write_text(tomli_w.dumps(self.settings))
        return path

    def ccmux(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(str(PROGRAMS / "ccmux"), *args, check=check)

    def start_ccmux(self) -> subprocess.Popen[bytes]:
        """Start a daemon in the foreground, as a person does."""
        return subprocess.Popen(
            self._inside([str(PROGRAMS / "ccmux")]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def tmux(self, *args: str, check: bool = True) -> str:
        """Run a tmux command on the user's default server."""
        return self.run("tmux", *args, check=check).stdout

    def status(self) -> dict[str, Any]:
        """Return what the daemon says; {} where none answers."""
        with (
            suppress(DaemonUnreachable),
            ControlClient(self.run_dir / "control.sock", project="stand") as client,
        ):
            answered: dict[str, Any] = client.ask("status")["status"]
            return answered
        return {}

    def until_state(self, state: str) -> dict[str, Any]:
        """Wait until the daemon says so, and return its status."""
        last: dict[str, Any] = {}

        def is_so() -> bool:
            nonlocal last
            last = self.status()
            return last.get("state") == state

        until(is_so, lambda: f"state {state}; is {last}")
        return last

    def show(self) -> None:
        """Print what a person would look at after a failure."""
        if self._manager is None:
            return
        with suppress(AssertionError, subprocess.TimeoutExpired):
            print(self.systemctl("list-units", "--all", "--no-pager", "ccmux*"))
            print(self.run("journalctl", "--no-pager", "-n", "80", "-o", "cat").stdout)
