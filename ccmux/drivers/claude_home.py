"""Claude's own files: registry of running sessions, transcripts, `.claude.json`; where they are, as bytes.

What they say is read elsewhere. The only thing it ever writes is a folder's trust, and only when asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ccmux.core.errors import ProjectFileFailed
from ccmux.core.trust import with_trust
from ccmux.files import replace_file
from ccmux.paths import ClaudePaths
from ccmux.ports import FileChange, FileEvent, FileEvents

_NOT_IN_A_FOLDER = re.compile(r"[^A-Za-z0-9]")
_WORKTREE = re.compile(r"gitdir: (.+)/\.git/worktrees/[^/\n]+\n?")
_A_PROMPT = b'"type":"user"'
_ANY = FileChange.APPEARED | FileChange.VANISHED | FileChange.WRITTEN | FileChange.CLOSED


class ClaudeHome:
    """What Claude keeps of itself."""

    def __init__(self, paths: ClaudePaths, *, events: FileEvents) -> None:
        """Point to it; `events` is for `watch`."""
        self._config_dir = paths.config_dir
        self._state_file = paths.state_file
        self._events = events

    # the registry
    def read(self, pid: int) -> bytes | None:
        """Return a process's registry file as it is now, half-written perhaps; None where there is none."""
        try:
            return self._registry(pid).read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def watch(self, pid: int, changed: Callable[[], None]) -> Iterator[None]:
        """Call back in the loop whenever that file may have changed. The folder is made if it is missing."""
        file = self._registry(pid)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

        def told(event: FileEvent) -> None:
            if event.name in {file.name, ""}:
                changed()

        with self._events.watch(str(file.parent), _ANY, told):
            yield

    def _registry(self, pid: int) -> Path:
        return self._config_dir / "sessions" / f"{pid}.json"

    # transcripts
    def transcript_path(self, cwd: str, session_id: str) -> str:
        """Return where a conversation's transcript is; where there is none yet, where it will be.

        A hook's `transcript_path` says it better. `cwd` is where Claude was started, absolute.
        """
        projects = self._config_dir / "projects"
        file = f"{session_id}.jsonl"
        # The name of a long folder is cut and gets a hash that only Claude knows.
        found = next(projects.glob(f"*/{file}"), None)
        return str(found or projects / _NOT_IN_A_FOLDER.sub("-", cwd) / file)

    def holds_conversation(self, path: str) -> bool:
        """Tell whether the file is there and holds at least one prompt, so that it can be resumed."""
        try:
            with Path(path).open("rb") as lines:
                return any(_A_PROMPT in line for line in lines)
        except OSError:
            return False

    # trust
    def trust(self, cwd: str) -> bool:
        """Answer the folder-trust question for what is started in `cwd`; False where nothing had to change.

        Raises:
            ProjectFileFailed: `.claude.json` is as it was.
        """
        try:
            try:
                text: str | None = self._state_file.read_text("utf-8")
            except FileNotFoundError:
                text = None
            trusted = with_trust(text, trust_key(cwd))
            if trusted is not None:
                replace_file(self._state_file, trusted.encode(), mode=0o600)
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectFileFailed(str(self._state_file), f"cannot be changed: {error}") from error
        return trusted is not None


def trust_key(cwd: str) -> str:
    """Return the folder under which Claude remembers trust: the repository's main checkout, else `cwd`."""
    start = Path(cwd).resolve()
    for folder in (start, *start.parents):
        git = folder / ".git"
        if git.is_dir():
            return str(folder)
        if git.is_file():
            worktree = _WORKTREE.fullmatch(git.read_text("utf-8", "replace"))
            return worktree[1] if worktree else str(folder)
    return str(start)


__all__ = ["ClaudeHome", "trust_key"]
