"""A real git repository of a test's own, that nobody's settings reach, and the check in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ccmux.cli.privacy import main
from tests.corpus.personal import PLANTED

CHECKOUT = Path(__file__).parents[2]
MAIL = PLANTED["email"]["plain"]
HOME = PLANTED["path"]["Linux"].removesuffix("/notes.txt")
KEY = PLANTED["key"]["GitHub"]


class Repository:
    """One in a folder, with `git` and the check as somebody there would call them."""

    def __init__(self, root: Path, *, name: str = "work") -> None:
        self.folder = root / name
        self.secrets = root / "secrets"
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir()
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(root / "home"),
            "CCMUX_SECRETS_DIR": str(self.secrets),
            "CCMUX_DATA_DIR": str(root / "data"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "author@example.com",
            "GIT_COMMITTER_NAME": "A U Thor",
            "GIT_COMMITTER_EMAIL": "author@example.com",
            "GIT_EDITOR": "false",
        }
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, given: str | bytes = b"", ok: bool = True, cwd: Path | None = None) -> str:
        """Run git and return what it says; `ok` False: it must fail, and what it says of that comes back."""
        done = subprocess.run(
            ["git", *words],
            cwd=cwd or self.folder,
            env=self.environment,
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            check=False,
            timeout=100,
        )
        assert (done.returncode == 0) is ok, (words, done)
        return (done.stdout + done.stderr).decode(errors="replace")

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def stage(self, files: Mapping[str, str | bytes]) -> None:
        for path, content in files.items():
            self.write(path, content)
        self.git("add", "--all")

    def commit(self, files: Mapping[str, str | bytes], message: str = "More") -> str:
        """Commit without asking anybody; return the commit's id."""
        self.stage(files)
        self.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def use_hooks(self) -> None:
        """Let git ask the check of this checkout at each commit."""
        self.write(".git/info/exclude", "/ccmux.toml\n")
        self.git("config", "core.hooksPath", str(CHECKOUT / "hooks"))


class Check:
    """The check, called in a repository, within this process."""

    def __init__(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._repository = repository
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str, cwd: Path | None = None) -> tuple[int, str, str]:
        """Return its exit code, and what it says on both streams."""
        self._monkeypatch.chdir(cwd or self._repository.folder)
        for name in [name for name in os.environ if name.startswith(("GIT_", "CCMUX_", "CLAUDE"))]:
            self._monkeypatch.delenv(name)
        for name, value in self._repository.environment.items():
            self._monkeypatch.setenv(name, value)
        self._capsys.readouterr()
        code = main(words)
        return (code, *self._capsys.readouterr())

    def findings(self, *words: str) -> list[dict[str, Any]]:
        code, out, _ = self(*words, "--json")
        told = json.loads(out)
        assert code == (1 if told["findings"] else 0)
        assert told["clean"] is not bool(told["findings"])
        found: list[dict[str, Any]] = told["findings"]
        return found

    def places(self, *words: str) -> list[str]:
        """Return where something was found, `path:line`, and what kind of thing it is."""
        return [f"{one['where']}:{one['line']} {one['kind']}" for one in self.findings(*words)]
