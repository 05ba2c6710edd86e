"""Runs `claude -p` for one question: no tools, and nobody's settings, memory, hooks, servers or session.

The question goes in on standard input, so that no change is seen in a list of processes. Facts measured on
Claude Code 2.1.329; one that does not know an argument says so, and that is no pass.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ARGUMENTS = (
    "--print",
    *("--output-format", "json"),
    "--safe-mode",  # no CLAUDE.md, skills, plugins, hooks; the login stays
    *("--setting-sources", ""),
    *("--tools", ""),
    "--strict-mcp-config",
    "--disable-slash-commands",
    "--no-session-persistence",
)


@dataclass(frozen=True, slots=True)
class Printed:
    """What came of a run.

    Attributes:
        out: Its standard output.
        failure: Why there is no answer; "" where there is one.

    """

    out: bytes = b""
    failure: str = ""


class Reviewer:
    """A Claude Code that answers questions, each in a process of its own that ends with the answer."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, limit_s: float
    ) -> None:
        """`command`: the program and its first words; `folder`: an empty one; `limit_s`: for each answer."""
        self._command = command
        self._environment = environment
        self._folder = folder
        self._limit_s = limit_s

    async def ask(self, question: str, *, system_prompt: str, schema: str) -> Printed:
        """Ask one question; a run that is cancelled, or takes too long, is killed with all it started."""
        argv = [*self._command, *_ARGUMENTS, "--json-schema", schema, "--system-prompt", system_prompt]
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            return Printed(failure=f"{self._command[0]} does not start: {error.strerror or error}")
        try:
            async with asyncio.timeout(self._limit_s):
                out, err = await process.communicate(question.encode(errors="replace"))
        except TimeoutError:
            return Printed(failure=f"no answer within {self._limit_s:g} s")
        finally:
            await _end(process)
        if process.returncode != 0 and not out:
            last = err.decode(errors="replace").strip().splitlines()[-1:]
            return Printed(failure=last[0] if last else f"exit code {process.returncode}")
        return Printed(out=out)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
