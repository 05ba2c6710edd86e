"""What the demo agent answers: a prompt's text to a list of steps. No clock, no screen, no network.

The tests' scripted Messages API thinks with the same brain, so the real Claude Code CLI and the demo agent
do the same on the same words. The last line that is not blank decides, without its `[HH:MM channel]` header:

    wait N                  works for N seconds, then answers
    tell CHANNEL TEXT       calls send_to_channel, then answers
    run COMMAND             calls the Bash tool (in manual permission mode: a dialog), then answers
    ask QUESTION            calls AskUserQuestion
    long N                  answers with N characters
    work TEXT               thinks, speaks, calls a tool, and speaks again: a turn of many blocks
    fail                    the API answers 400
    anything else           answers `You said: ...`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

SEND_TOOL = "mcp__ccmux__send_to_channel"

_HEADER = re.compile(r"^\[\d\d:\d\d [^\]\s]+\] ?")
_NOT_SAID = re.compile(r"<system-reminder>.*?</system-reminder>|</?pasted_content[^>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """Think `text` (a thinking block)."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """Use a tool; the next steps follow its result."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """Work silently for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """The API refuses with this HTTP status."""

    status: int


Step = Say | Think | Call | Wait | Fail


def steps(prompt: str) -> list[Step]:
    """Return what to do about a prompt, as submitted; never empty."""
    said = [line.strip() for line in _NOT_SAID.sub("", prompt).splitlines() if line.strip()]
    content = _HEADER.sub("", said[-1]) if said else ""
    verb, _, rest = content.partition(" ")
    answer = Say(f"You said: {content}")
    match verb:
        case "wait" if rest.replace(".", "", 1).isdigit():
            return [Wait(float(rest)), answer]
        case "tell" if " " in rest:
            channel, _, text = rest.partition(" ")
            return [Call(SEND_TOOL, {"channel": channel, "message": text}), Say(f"I told {channel}.")]
        case "run" if rest:
            return [Call("Bash", {"command": rest, "description": "Run what was asked"}), Say("It ran.")]
        case "ask" if rest:
            options = [{"label": word, "description": word} for word in ("Yes", "No")]
            question = {"question": rest, "header": "Demo", "options": options, "multiSelect": False}
            return [Call("AskUserQuestion", {"questions": [question]}), Say("Thank you.")]
        case "long" if rest.isdigit():
            return [Say("x" * int(rest))]
        case "work":
            return [
                Think(f"They want: {rest}"),
                Say("Let me look."),
                Call("Bash", {"command": "echo looked", "description": "Look"}),
                Say(f"Done: {rest}"),
            ]
        case "fail":
            return [Fail(400)]
        case _:
            return [answer]
