"""Whole transcripts on a real disk."""

from __future__ import annotations

import json
from pathlib import Path

from ccmux.core.ledger import Carried
from ccmux.drivers.transcripts import Transcripts

LINES = [
    {"type": "user", "promptId": "p1", "timestamp": "1970-01-01T00:00:05Z", "message": {"content": "hi"}},
    {"type": "user", "isMeta": True, "message": {"content": "a hook's words"}},
    {"type": "user", "message": {"content": [{"type": "tool_result", "content": "x"}]}},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": '"type":"user"'}]}},
    {"type": "attachment", "attachment": {"type": "queued_command", "prompt": "while it worked"}},
]
PROMPTS = [
    Carried(session_id="s", prompt_id="p1", at=5.0, text="hi"),
    Carried(session_id="s", prompt_id=None, at=0.0, text="while it worked"),
]


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    lines = [json.dumps(line, separators=(",", ":")) for line in LINES]
    path.write_text("\n".join([*lines[:2], "no json, half a li", *lines[2:]]) + '\n{"type":"user","mess')
    return path


def test_the_prompts_of_a_person_and_of_ours_are_read_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "elsewhere" / "t.jsonl")
    assert Transcripts(tmp_path).prompts("s", str(path)) == PROMPTS


def test_a_transcript_nobody_told_of_is_found_by_its_session(tmp_path: Path) -> None:
    written(tmp_path / "projects" / "-a-folder" / "s.jsonl")
    assert Transcripts(tmp_path).prompts("s", "") == PROMPTS
    assert Transcripts(tmp_path).prompts("s", str(tmp_path / "moved.jsonl")) == PROMPTS


def test_a_transcript_that_was_deleted_is_none(tmp_path: Path) -> None:
    assert Transcripts(tmp_path).prompts("s", str(tmp_path / "gone.jsonl")) is None
