"""Brings a Claude Code from npm into a folder of our own, never globally. It judges no version."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from ccmux.ask_program import Answer, ask_program
from ccmux.core.errors import NothingToTry

PACKAGE = "@anthropic-ai/claude-code"

_ASK_S = 60.0
_INSTALL_S = 900.0
_WANTED = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")
_NO_NPM = "install it (Debian: apt install npm), or name a program: ccmux upgrade-check --claude PATH"
_UNREACHED = "see whether this machine reaches npm's registry (`npm ping`), and its proxy if it needs one"
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
        words = ("view", f"{PACKAGE}@{wanted}", "version", "--json")
        answer = self._npm(*words, limit_s=_ASK_S, asked=f"which Claude Code is {wanted!r}")
        said = _json(answer.out)
        if answer.exit_code != 0:
            problem = said.get("error", {}) if isinstance(said, dict) else {}
            if problem.get("code") == "E404":
                raise unknown
            why = problem.get("summary") or _last_error(answer.err)
            raise NothingToTry(f"npm cannot ask for Claude Code {wanted!r}: {why}", _UNREACHED)
        versions = said if isinstance(said, list) else [said]  # a range has many
        if not versions or not isinstance(versions[-1], str):
            raise unknown
        return versions[-1]

    def install(self, version: str) -> Path:
        """Put this version into the folder and return its program.

        Raises:
            NothingToTry: npm could not.

        """
        answer = self._npm(
            "install",
            "--ignore-scripts=false",  # the package's own script fetches the program
            "--no-audit",
            "--no-fund",
            f"{PACKAGE}@{version}",
            limit_s=_INSTALL_S,
            asked=f"to install Claude Code {version}",
        )
        program = self._folder / "node_modules/.bin/claude"
        if answer.exit_code != 0 or not os.access(program, os.X_OK):
            way_out = f"make room, or remove {self._folder}, and try again"
            why = _last_error(answer.err)
            raise NothingToTry(f"npm cannot install Claude Code {version}: {why}", way_out)
        return program

    def _npm(self, *words: str, limit_s: float, asked: str) -> Answer:
        """Run npm for our folder alone; `asked` says in words what it is asked."""
        folder = str(self._folder)
        # A `global` in the user's .npmrc would change the Claude that is in use.
        own = ("--global=false", "--prefix", folder, *self._global_config, "--loglevel=error")
        return self._asked("npm", *words, *own, limit_s=limit_s, asked=asked)

    @cached_property
    def _global_config(self) -> tuple[str, ...]:
        """The machine's own npmrc, which --prefix moves: registry, proxy and cafile may stand in it."""
        words = ("config", "get", "globalconfig", "--loglevel=error")
        answer = self._asked("npm", *words, limit_s=_ASK_S, asked="where its configuration is")
        said = answer.out.strip()
        return ("--globalconfig", said) if answer.exit_code == 0 and said.startswith("/") else ()

    def _asked(self, *argv: str, limit_s: float, asked: str) -> Answer:
        answer = ask_program(
            argv, environment=self._environment, cwd=self._folder, umask=0o077, limit_s=limit_s
        )
        if answer.is_missing:
            raise NothingToTry("there is no npm on the PATH", _NO_NPM)
        if answer.exit_code is None:
            raise NothingToTry(f"npm was asked {asked}: {answer.err}", _UNREACHED)
        return answer


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
