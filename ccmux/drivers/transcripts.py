"""Reads whole transcripts of Claude, for the proof: which prompts they hold. It follows none; see `tail`."""

from __future__ import annotations

from pathlib import Path

from ccmux.core.errors import ProjectFileFailed
from ccmux.core.ledger import Carried
from ccmux.core.transcript import Prompt, read_record

_MAY_BE_A_PROMPT = (b'"type":"user"', b'"queued_command"')


class Transcripts:
    """The transcripts below one of Claude's configuration folders."""

    def __init__(self, config_dir: Path) -> None:
        """Point to it."""
        self._projects = config_dir / "projects"

    def prompts(self, session_id: str, path: str) -> list[Carried] | None:
        """Return a conversation's prompts, None where its transcript is not there (any more).

        Args:
            session_id: The conversation.
            path: Where a hook said it is, "" where none did.

        Raises:
            ProjectFileFailed: It is there and cannot be read.
        """
        file = self._find(session_id, path)
        if file is None:
            return None
        try:
            with file.open("rb") as lines:
                return [
                    carried
                    for line in lines
                    if any(mark in line for mark in _MAY_BE_A_PROMPT)
                    and (carried := _carried(session_id, line)) is not None
                ]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProjectFileFailed(str(file), f"cannot be read: {error.strerror}") from error

    def _find(self, session_id: str, path: str) -> Path | None:
        if path and Path(path).exists():
            return Path(path)
        return next(self._projects.glob(f"*/{session_id}.jsonl"), None)


def _carried(session_id: str, line: bytes) -> Carried | None:
    prompt = read_record(line)
    if not isinstance(prompt, Prompt) or prompt.meta:
        return None
    return Carried(session_id=session_id, prompt_id=prompt.prompt_id, at=prompt.at, text=prompt.text)
