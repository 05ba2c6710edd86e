"""Sends bodies of the corpus through a whole house, and says what became of each.

What must arrive is computed here from the body and what the store says of its time, by `build_prompt`; what
did arrive is read from Claude's own transcript.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from ccmux.core.messages import Message, MessageState
from ccmux.core.observation import ScreenKind
from ccmux.core.prompt import InjectionLimits, Prompt, build_prompt
from ccmux.core.sanitise import clean
from ccmux.trial.bodies import Body
from ccmux.trial.follower import Event, Follower
from ccmux.trial.stand import Stand
from ccmux.trial.waiting import NotSo

TOGETHER = 3
"""So many one-line bodies still arrive bare, in one turn."""

_WRAPPED = re.compile(r'(.*)\n\n<pasted_content id="(\w+)">\n(.*)\n</pasted_content id="\2">\n?', re.DOTALL)


class Verdict(StrEnum):
    """What became of a body."""

    EXACT = "exact"
    REFUSED = "refused with a reason"
    WRONG = "wrong"
    STRAY = "stray keys"
    """The text was right, but something else happened too."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the body of this name; `says` is the difference, or the reason."""

    name: str
    verdict: Verdict
    says: str = ""


def send_all(stand: Stand, bodies: Sequence[Body]) -> list[Result]:
    """Start the stand and send bodies one by one; where one breaks the house, the rest is missing."""
    editor = stand.folder / "editor"
    editor.write_text(f"#!/bin/sh\ntouch {stand.project}/pwned-by-editor\n")
    editor.chmod(0o700)
    stand.environment |= {"EDITOR": str(editor), "VISUAL": str(editor)}
    stand.start()
    results: list[Result] = []
    with stand.following(types=["message", "turn"]) as events:
        sender = _Sender(stand, events)
        for group in _groups(bodies):
            try:
                results += sender.send(group)
            except NotSo as error:  # the house is not to be trusted any more
                says = f"Claude was asked {sender.new_prompts()}; {error}"
                return [*results, Result(group[0].name, Verdict.WRONG, says)]
    return results


def _groups(bodies: Sequence[Body]) -> Iterator[list[Body]]:
    """Yield what goes together: control and other characters by a few, everything else alone."""
    for kind, same in groupby(bodies, key=lambda body: body.name.partition(" ")[0]):
        some = list(same)
        at = TOGETHER if kind in {"C0", "C1", "Unicode:"} else 1
        yield from (some[start : start + at] for start in range(0, len(some), at))


class _Sender:
    def __init__(self, stand: Stand, events: Follower) -> None:
        self._stand = stand
        self._events = events
        self._read_to: dict[Path, int] = {}

    def send(self, bodies: Sequence[Body]) -> list[Result]:
        """Send bodies in one write; return what became of each."""
        with (self._stand.run / "in").open("wb", buffering=0) as pipe:
            lines = b"".join(body.line + b"\n" for body in bodies)
            while lines:
                lines = lines[pipe.write(lines) :]
        firsts = [self._first_event() for _ in bodies]
        if bodies[0].content is None:
            return [self._refusal(body, first) for body, first in zip(bodies, firsts, strict=True)]
        dead = [(body, first) for body, first in zip(bodies, firsts, strict=True) if first["state"] == "dead"]
        if dead:
            return [Result(body.name, Verdict.WRONG, f"refused: {dead[0][1]['reason']}") for body in bodies]
        says = self._taken(bodies, [first["id"] for first in firsts])
        stray = self._stray()
        verdict = Verdict.WRONG if says else Verdict.STRAY if stray else Verdict.EXACT
        return [Result(body.name, verdict, says or stray) for body in bodies]

    def _first_event(self) -> Event:
        while True:
            event = self._events.until("message")
            if event["state"] in {"queued", "dead"}:
                return event

    def _refusal(self, body: Body, event: Event) -> Result:
        if event["state"] != "dead":
            self._events.until("turn")
            self.new_prompts()
            return Result(body.name, Verdict.WRONG, "it was taken")
        if not event["reason"] or body.refused not in event["reason"]:
            return Result(body.name, Verdict.WRONG, f"the reason is {event['reason']!r}")
        stray = self._stray() or ("; ".join(self.new_prompts()) and "a prompt was submitted")
        return Result(body.name, Verdict.STRAY if stray else Verdict.REFUSED, stray or event["reason"])

    def _taken(self, bodies: Sequence[Body], ids: list[int]) -> str:
        """Return what is wrong, "" where nothing is."""
        turns: list[Event] = []
        while [id_ for turn in turns for id_ in turn["message_ids"]] != ids:
            turns.append(self._events.until("turn"))
        got = self.new_prompts()
        outcomes = {turn["outcome"] for turn in turns}
        if outcomes != {"finished"}:
            return f"the turn was {outcomes}"
        stored = [self._stand.control("show", id=id_)["messages"][0] for id_ in ids]
        contents = [body.content for body in bodies]
        if [one["content"] for one in stored] != contents:
            return f"stored as {[one['content'] for one in stored]!r}"
        if len(got) != len(turns):
            return f"{len(got)} prompts for {len(turns)} turns: {got!r}"
        by_id = {one["id"]: one for one in stored}
        for turn, text in zip(turns, got, strict=True):
            wrong = self._compare(self._expected([by_id[id_] for id_ in turn["message_ids"]]), text)
            if wrong:
                return wrong
        return ""

    def _expected(self, stored: list[dict[str, Any]]) -> Prompt:
        messages = [
            Message(
                id=one["id"],
                channel=one["channel"],
                content=one["content"],
                ts=one["ts"],
                key=one["key"],
                meta=one["meta"],
                attachments=tuple(one["attachments"]),
                state=MessageState.QUEUED,
            )
            for one in stored
        ]
        folder = self._stand.folder / "data/ccmux/stand/messages"
        return build_prompt(
            messages,
            now_s=0.0,
            hhmm=lambda ts: time.strftime("%H:%M", time.localtime(ts)) if ts else "LEAD",
            limits=InjectionLimits(),
            spill_path=lambda message: str(folder / f"message-{message.id}.txt"),
        )

    def _compare(self, expected: Prompt, got: str) -> str:
        for path, text in expected.spills:
            if Path(path).read_text() != text or clean(text) != text:
                return f"the file {path} is not the message"
        if not expected.lead:
            return "" if got == expected.body else _difference(expected.body, got)
        wrapped = _WRAPPED.fullmatch(got)
        if wrapped is None:
            return f"not wrapped: {got[:200]!r}"
        lead = re.escape(expected.lead).replace("LEAD", r"\d\d:\d\d")
        if not re.fullmatch(lead, wrapped[1]):
            return f"the lead is {wrapped[1]!r}"
        return "" if wrapped[3] == expected.body else _difference(expected.body, wrapped[3])

    def _stray(self) -> str:
        """Return what else happened, "" where nothing did."""
        stand = self._stand
        pwned = [path.name for place in (stand.project, stand.claude_home) for path in place.glob("pwned*")]
        if pwned:
            return f"a command ran: {pwned}"
        screen, in_mode = stand.seen()
        if screen.kind is not ScreenKind.PROMPT or screen.draft or in_mode:
            return f"the screen is {screen}, mode {in_mode}"
        return "a draft was stashed" if screen.stashed else ""

    def new_prompts(self) -> list[str]:
        """Return the user's records since the last call, from every transcript."""
        found = []
        for path in self._stand.transcripts():
            with path.open("rb") as file:
                at = self._read_to.get(path, 0)
                file.seek(at)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    at += len(line)
                    text = _prompt(json.loads(line))
                    if text:
                        found.append(text)
                self._read_to[path] = at
        return found


def _prompt(record: dict[str, Any]) -> str:
    if record.get("type") != "user" or record.get("isMeta") or record.get("toolUseResult") is not None:
        return ""
    content = record["message"]["content"]
    if isinstance(content, str):
        return content
    return "".join(block.get("text", f"<{block['type']}>") for block in content)


def _difference(expected: str, got: str) -> str:
    at = next(
        (n for n, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b),
        min(len(expected), len(got)),
    )
    near = slice(max(0, at - 20), at + 40)
    return f"at {at}: {expected[near]!r} became {got[near]!r}"
