"""Brings a Claude Code from npm into a folder of our own, never globally. It judges no version."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ccmux.core.errors import NothingToTry

PACKAGE = "@anthropic-ai/claude-code"

_ASK_S = 60.0
_INSTALL_S = 900.0
_WANTED = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")
_NO_NPM = "install it (Debian: apt install npm), or name a program: ccmux upgrade-check --claude PATH"
_UNKNOWN = f"npm view {PACKAGE} versions tells all"


class ClaudePackages:
    """One folder with one Claude Code in it; another version takes the place of the one before."""

    def __init__(self, folder: Path, *, environment: Mapping[str, str]) -> None:
        """`folder` is there and ours; `environment` is the user's: npm's registry and proxy stand in it."""
        self._folder = folder
        self._environment = environment

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the folder to ourselves.

        Raises:
            NothingToTry: Another one has it.

        """
        lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise NothingToTry(f"another upgrade-check uses {self._folder}", "wait for its end") from None
        finally:
            os.close(lock)

    def version(self, wanted: str) -> str:
        """Return the version that a version or a tag like "latest" means.

        Raises:
            NothingToTry: npm is missing, does not know it, or does not reach its registry.

        """
        unknown = NothingToTry(f"npm knows no Claude Code {wanted!r}", _UNKNOWN)
        if not _WANTED.fullmatch(wanted):
            raise unknown
        code, out, error = self._npm("view", f"{PACKAGE}@{wanted}", "version", "--json", limit_s=_ASK_S)
        said = _json(out)
        if code != 0:
            problem = said.get("error", {}) if isinstance(said, dict) else {}
            if problem.get("code") == "E404":
                raise unknown
            raise NothingToTry(
                f"npm cannot ask for Claude Code {wanted!r}: {problem.get('summary') or error}",
                "see whether this machine reaches npm's registry",
            )
        versions = said if isinstance(said, list) else [said]  # a range has many
        if not versions or not isinstance(versions[-1], str):
            raise unknown
        return versions[-1]

    def install(self, version: str) -> Path:
        """Put this version into the folder and return its program.

        Raises:
            NothingToTry: npm could not.

        """
        code, _, error = self._npm(
            "install",
            "--ignore-scripts=false",  # the package's own script fetches the program
            "--no-audit",
            "--no-fund",
            f"{PACKAGE}@{version}",
            limit_s=_INSTALL_S,
        )
        program = self._folder / "node_modules/.bin/claude"
        if code != 0 or not os.access(program, os.X_OK):
            way_out = f"make room, or remove {self._folder}, and try again"
            raise NothingToTry(f"npm cannot install Claude Code {version}: {error}", way_out)
        return program

    def _npm(self, *words: str, limit_s: float) -> tuple[int, str, str]:
        """Run npm in our folder; return its exit code, what it said, and its own words of an error."""
        # A `global` in the user's .npmrc would change the Claude that is in use.
        argv = ["npm", *words, "--global=false", "--prefix", str(self._folder), "--loglevel=error"]
        with ThreadPoolExecutor(1) as pool:
            # A signal cuts only the main thread: so there always is a process to end.
            starting = pool.submit(self._start, argv)
            try:
                process = starting.result()
                out, errors = process.communicate(timeout=limit_s)
            except FileNotFoundError:
                raise NothingToTry("there is no npm on the PATH", _NO_NPM) from None
            except BaseException as cut:
                with starting.result() as process, suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(cut, subprocess.TimeoutExpired):
                    raise NothingToTry(f"npm was not done in {limit_s:.0f} s", "try again later") from cut
                raise
        return process.returncode, out, _last_error(errors)

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            argv,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            umask=0o077,
        )


def _json(text: str) -> object:
    try:
        said: object = json.loads(text)
    except ValueError:
        return None
    return said


def _last_error(text: str) -> str:
    """Return npm's words without its mark and the place of its log, on one line."""
    lines = re.findall(r"^npm (?:error|ERR!) (.+)$", text, re.MULTILINE)
    told = [line for line in lines if not line.startswith("A complete log")]
    return " ".join(told[:3]) or " ".join(text.split()) or "it says nothing"


__all__ = ["PACKAGE", "ClaudePackages"]
