"""Builds what is typed for waiting messages: headers only we can write, bodies that cannot pose as one.

It decides the text and how it is pasted; it types nothing and writes no file (it says which to write).
The CLI's ways are those of Claude Code 2.1.329, measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ccmux.core.messages import Message
from ccmux.core.sanitise import clean

INDENT = "    "

BARE_UNITS = 800
"""A paste of more UTF-16 units arrives wrapped as pasted content."""

BARE_LINES = 3
"""A paste of more lines arrives wrapped (in a window of less than 12 rows even fewer: `proof.py` minds)."""

_GUARD = " "
"""Behind a bare body, so that Enter submits it: after a backslash it would break the line, after `:smi` pick
an emoji. The CLI trims it."""

_IMAGE = r"\.(?:png|jpe?g|gif|webp)"
_IMAGE_PATH_LINE = re.compile(rf"""[\s"'\\]*/.*{_IMAGE}["']*\s*""", re.IGNORECASE)
"""The CLI would take such a line out of the text and attach the file."""
_IMAGE_NAME_ENDS_LINE = re.compile(rf"{_IMAGE}[\"']?[^\S\n]*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionLimits:
    """How much is typed at once: messages and characters in a prompt, characters of one message."""

    batch_messages: int = 20
    batch_chars: int = 20_000
    inline_chars: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One injection.

    Attributes:
        ids: The messages it carries, oldest first.
        lead: The line typed before a body that the CLI wraps; "" where the body stands alone.
        body: The messages' text; what UserPromptSubmit reports holds it to the character.
        spills: (path, text) of files that must be on disk before it is typed.

    """

    ids: tuple[int, ...]
    lead: str
    body: str
    spills: tuple[tuple[str, str], ...] = ()

    @property
    def pastes(self) -> tuple[str, ...]:
        """What is sent, one bracketed paste each, before Enter."""
        if self.lead:
            return (self.lead, self.body)
        # One unit more would be wrapped; on its own the guard is not.
        return (self.body + _GUARD,) if _units(self.body) < BARE_UNITS else (self.body, _GUARD)

    @property
    def names_image(self) -> bool:
        """Whether a line ends in an image's name: the CLI looks for the file, and an Enter meanwhile is lost.

        50 ms after the paste it was heard in 5 of 5 tries, at once in none.
        """
        return _IMAGE_NAME_ENDS_LINE.search(self.body) is not None


def build_prompt(
    messages: Sequence[Message],
    *,
    now_s: float,
    hhmm: Callable[[float], str],
    limits: InjectionLimits,
    spill_path: Callable[[Message], str],
) -> Prompt:
    """Return the prompt for as many of these messages as fit, at least for the first.

    Args:
        messages: Oldest first; one or more.
        now_s: Epoch seconds, for the lead.
        hhmm: Local wall time of epoch seconds.
        limits: What fits.
        spill_path: Where a message goes that is too long to be typed.

    """
    blocks: list[str] = []
    spills: list[tuple[str, str]] = []
    length = 0
    for message in messages[: limits.batch_messages]:
        content = clean(message.content)
        spill = None
        if len(content) > limits.inline_chars:
            spill = (spill_path(message), content)
            content = f"(a message of {len(content)} characters, kept in a file; read it: {spill[0]})"
        block = _block(message, content, hhmm=hhmm)
        if blocks and length + 1 + len(block) > limits.batch_chars:
            break
        blocks.append(block)
        length += 1 + len(block)
        if spill is not None:
            spills.append(spill)
    body = "\n".join(blocks)
    noun = "message" if len(blocks) == 1 else "messages"
    lead = "" if _stays_bare(body) else f"[{hhmm(now_s)} ccmux] {len(blocks)} {noun}:"
    return Prompt(
        ids=tuple(message.id for message in messages[: len(blocks)]),
        lead=lead,
        body=body,
        spills=tuple(spills),
    )


def _block(message: Message, content: str, *, hhmm: Callable[[float], str]) -> str:
    first, *rest = content.split("\n")
    rest = [_as_text(line) for line in rest]
    rest += [f"[attachment: {clean(path)}]" for path in message.attachments]
    header = f"[{hhmm(message.ts)} {message.channel}] {first}"
    return "\n".join([header.rstrip(), *(INDENT + line for line in rest)])


def _as_text(line: str) -> str:
    return f"`{line.strip()}`" if _IMAGE_PATH_LINE.fullmatch(line) else line


def _stays_bare(body: str) -> bool:
    return _units(body) <= BARE_UNITS and body.count("\n") < BARE_LINES


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
