"""Makes transcripts of any size whose totals are known: all that real ones hold, in the shape of 2.1.329's.

Several lines a response, lines without a request id, growing usage, sidechain replays, forks, lines of kinds
nobody reads (hundreds of KB some of them), huge results, odd shapes, and a half line at the end.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MODEL = "claude-opus-4-8"
_START = datetime(2026, 11, 20, 8, tzinfo=UTC)
_WORDS = [
    "the",
    "file",
    "reads",
    "a",
    "line",
    "and",
    "counts",
    "what",
    "it",
    "says",
    "\u00e9t\u00e9",
    "\u4f60",
]


@dataclass(slots=True)
class Truth:
    """What a reader must find."""

    fresh: int = 0
    written: int = 0
    read: int = 0
    output: int = 0
    tool_calls: int = 0
    user_prompts: int = 0
    active_s: float = 0.0
    last_prompt: str = ""

    @property
    def total(self) -> int:
        return self.fresh + self.written + self.read + self.output


@dataclass(slots=True)
class Story:
    """One session's transcript, made as a conversation goes on."""

    session_id: str
    random: random.Random
    truth: Truth = field(default_factory=Truth)
    number: int = 0
    now: datetime = _START
    is_new: bool = True

    def turn(self) -> Iterator[bytes]:
        """Return the lines of a turn."""
        self.number += 1
        pause_s = self.random.choice([4, 20, 60, 900])
        text = f"{self.session_id} asks {self.number}: {self._text(30)}"
        yield self._line(
            pause_s,
            "user",
            promptId=f"p{self.number}",
            message={"role": "user", "content": text},
            origin={"kind": "human"},
        )
        self.truth.user_prompts += 1
        self.truth.last_prompt = text
        for step in range(4):
            yield from self._response(step, tool=step < 3)
            if self.random.random() < 0.1:
                yield from self._replay(step)
            yield from self._noise(step)
        yield self._line(0, "system", subtype="turn_duration", durationMs=1234, counts=False)
        yield b'{"type":"last-prompt","lastPrompt":"' + b"x" * 40 + b'","sessionId":"s"}'

    def _response(self, step: int, *, tool: bool) -> Iterator[bytes]:
        id_ = f"msg_{self.session_id}_{self.number}_{step}"
        usage = {
            "input_tokens": self.random.randrange(1, 50),
            "cache_creation_input_tokens": self.random.randrange(0, 3_000),
            "cache_read_input_tokens": self.random.randrange(0, 100_000),
            "output_tokens": self.random.randrange(2, 900),
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
            "service_tier": "standard",
            "speed": "standard",
        }
        blocks: list[dict[str, Any]] = [
            {"type": "thinking", "thinking": self._text(60), "signature": "s" * 300},
            {"type": "text", "text": self._text(50)},
        ]
        if tool:
            input_ = {"command": self._text(20)}
            blocks.append({"type": "tool_use", "id": f"toolu_{id_}", "name": "Bash", "input": input_})
        request: dict[str, Any] = {"requestId": f"req_{id_}"} if self.random.random() < 0.7 else {}
        for at, block in enumerate(blocks):
            # Older versions wrote the first lines while Claude still spoke.
            grown = usage if at == len(blocks) - 1 or self.number % 2 else {**usage, "output_tokens": 1}
            message: dict[str, Any] = {
                "id": id_,
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [block],
            }
            message |= {"stop_reason": "tool_use" if tool else "end_turn", "usage": grown}
            yield self._line(3, "assistant", message=message, apiBlockIndex=at, **request)
        self.truth.fresh += int(str(usage["input_tokens"]))
        self.truth.written += int(str(usage["cache_creation_input_tokens"]))
        self.truth.read += int(str(usage["cache_read_input_tokens"]))
        self.truth.output += int(str(usage["output_tokens"]))
        if tool:
            self.truth.tool_calls += 1
            size = 400_000 if self.random.random() < 0.001 else self.random.randrange(200, 9_000)
            result = {"type": "tool_result", "tool_use_id": f"toolu_{id_}", "content": "r" * size}
            told: dict[str, Any] = {"role": "user", "content": [result]}
            yield self._line(2, "user", message=told, toolUseResult={"stdout": "r" * size})

    def _replay(self, step: int) -> Iterator[bytes]:
        id_ = f"msg_{self.session_id}_{self.number}_{step}"
        message = {
            "id": id_,
            "role": "assistant",
            "model": MODEL,
            "content": [{"type": "text", "text": "again"}],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        yield self._line(0, "assistant", message=message, requestId="req_other", isSidechain=True)

    def _noise(self, step: int) -> Iterator[bytes]:
        size = 300_000 if self.random.random() < 0.01 else self.random.randrange(1_000, 12_000)
        yield b'{"type":"api-request-blob","sessionId":"s","message":{"role":"user","content":"%b"}}' % (
            b"n" * size
        )
        yield b'{"type":"api-request","sessionId":"s","refs":["%b"]}' % (b"f" * 700)
        yield self._line(
            0,
            "attachment",
            counts=False,
            attachment={"type": "environment", "snapshot": {"text": self._text(30), "step": step}},
        )
        if self.random.random() < 0.02:
            yield from (b"", b"{not json", b'"text"', b"\xff\xfe", b'{"type":"assistant","message":7}')

    def _line(self, pause_s: float, kind: str, *, counts: bool = True, **more: Any) -> bytes:
        if counts:
            self.now += timedelta(seconds=pause_s)
            if not self.is_new:
                self.truth.active_s += min(pause_s, 300)
            self.is_new = False
        record = {
            "parentUuid": f"{self.random.getrandbits(128):032x}",
            "isSidechain": False,
            **more,
            "type": kind,
            "uuid": f"{self.random.getrandbits(128):032x}",
            "timestamp": self.now.isoformat().replace("+00:00", "Z"),
            "cwd": "/home/somebody/projects/thing",
            "sessionId": self.session_id,
            "version": "2.1.329",
            "gitBranch": "main",
        }
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()

    def _text(self, words: int) -> str:
        return " ".join(self.random.choices(_WORDS, k=words))


def make_corpus(folder: Path, size: int, *, sessions: int = 4) -> dict[Path, Truth]:
    """Write transcripts of about `size` bytes together; every second session is a fork of the one before.

    Returns the truth about each file, where a fork counts nothing of what it copied.
    """
    truths: dict[Path, Truth] = {}
    half: list[bytes] = []
    for number in range(sessions):
        path = folder / f"session-{number}.jsonl"
        story = Story(f"s{number}", random.Random(number))
        is_fork = number % 2 == 1
        written = 0
        with path.open("wb") as file:
            if is_fork:
                for line in half:
                    written += file.write(line + b"\n")
                story.is_new = False
                story.now = _time_of(half)  # the gap before its own first words counts
            half = []
            while written < size // sessions:
                for line in story.turn():
                    written += file.write(line + b"\n")
                    if not is_fork and written < size // sessions // 10:
                        half.append(line)
            file.write(b'{"type":"user","message":{"role":"user","content":"half a li')
        truths[path] = story.truth
    return truths


def _time_of(lines: list[bytes]) -> datetime:
    stamps: list[str] = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "timestamp" in record:
            stamps.append(record["timestamp"])
    return datetime.fromisoformat(max(stamps)) if stamps else _START
