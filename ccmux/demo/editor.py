"""The input box of the demo agent: what stands in it and what Enter makes of it. Pure: no screen, no chance.

It imitates Claude Code 2.1.329 (measured): pastes over 800 characters, or of four lines and more, are folded
and submitted wrapped; texts are put into NFC and lose invisible characters; a bidi control stops the Enter.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

PASTE_UNITS = 800
"""A longer paste is folded; counted in UTF-16 units, as the CLI does."""
PASTE_NEWLINES = 2

_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_WRAPPER = re.compile("<(?=/?pasted_content)", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\u200b\xad\ufeff\u2060\U000e0000-\U000e007f]"
    "|(?<![\u200c-\u3fff\ufe0f\U0001f000-\U0001faff])\u200d|\u200d(?![\u200c-\u3fff\U0001f000-\U0001faff])"
)
"""Invisible characters, and a joiner that does not stand between two emoji."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A long paste: one thing in the box."""

    number: int
    text: str

    @property
    def label(self) -> str:
        """What the box shows for it."""
        newlines = self.text.count("\n")
        return f"[Pasted text #{self.number}" + (f" +{newlines} lines]" if newlines else "]")


Item = str | Folded
"""One character, or a long paste."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """Enter submits. `prompt` is what Claude gets, `shown` what the conversation shows."""

    prompt: str
    shown: str


class Editor:
    """A draft with a cursor, a stash, and a notice for the footer ("" where there is none)."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.cursor = 0
        self.stashed: list[Item] = []
        self.notice = ""
        self._folded = 0

    @property
    def shown(self) -> str:
        """The draft as the box shows it."""
        return _shown(self.items)

    @property
    def shown_cursor(self) -> int:
        """The cursor as an index into `shown`."""
        return len(_shown(self.items[: self.cursor]))

    @property
    def has_folded(self) -> bool:
        """A folded paste stands in the draft."""
        return any(isinstance(item, Folded) for item in self.items)

    def type(self, text: str) -> None:
        """Put characters in at the cursor."""
        self.notice = ""
        self.items[self.cursor : self.cursor] = text
        self.cursor += len(text)

    def paste(self, text: str, newlines: int = PASTE_NEWLINES) -> None:
        """Put a paste in at the cursor, folded if it is long or has more than so many line breaks."""
        text = _CONTROL.sub("", _BREAK.sub("\n", text.replace("\t", "    ")))
        if len(text.encode("utf-16-le", "replace")) // 2 <= PASTE_UNITS and text.count("\n") <= newlines:
            self.type(text)
            return
        self.notice = ""
        self._folded += 1
        self.items.insert(self.cursor, Folded(self._folded, text))
        self.cursor += 1

    def backspace(self) -> None:
        """Remove what stands before the cursor."""
        self.notice = ""
        if self.cursor:
            self.cursor -= 1
            del self.items[self.cursor]

    def delete(self) -> None:
        """Remove what stands at the cursor."""
        del self.items[self.cursor : self.cursor + 1]

    def move(self, where: str) -> None:
        """Move the cursor: `left`, `right`, `home` or `end` (of the line)."""
        match where:
            case "left":
                self.cursor = max(0, self.cursor - 1)
            case "right":
                self.cursor = min(len(self.items), self.cursor + 1)
            case "home":
                self.cursor = self._line_start()
            case _:
                rest = self.items[self.cursor :]
                self.cursor += rest.index("\n") if "\n" in rest else len(rest)

    def kill_line(self) -> None:
        """Ctrl-U: remove to the line's start; at its start, the line break before it."""
        self.notice = ""
        start = min(self._line_start(), max(0, self.cursor - 1))
        del self.items[start : self.cursor]
        self.cursor = start

    def clear(self) -> None:
        """Empty the box; the stash stays."""
        self.items, self.cursor, self.notice, self._folded = [], 0, "", 0

    def put_back(self, prompt: str) -> None:
        """Put a prompt into the box as characters: one that was interrupted before an answer began."""
        self.items, self.cursor, self.notice = list(prompt), len(prompt), ""

    def stash(self) -> None:
        """Ctrl-S: put the draft aside, or bring it back into an empty box."""
        if self.items:
            self.stashed = self.items
            self.clear()
        elif self.stashed:
            self.unstash()

    def unstash(self) -> None:
        """Bring the stash back, if there is one; the box is empty."""
        if self.stashed:
            self.items, self.stashed = self.stashed, []
            self.cursor = len(self.items)
            self.notice = "draft restored"

    def enter(self, paste_id: str) -> Submitted | None:
        """Return what is submitted and empty the box, or None where this Enter does not submit.

        Args:
            paste_id: Four digits for the wrapper of folded pastes; new for each call.
        """
        if self.cursor and self.items[self.cursor - 1] == "\\":
            self.items[self.cursor - 1] = "\n"
            return None
        if self._hides_bidi():
            return None
        items = _trimmed(self.items)
        if not items:
            self.clear()
            return None
        prompt = "".join(_prompt_part(item, paste_id) for item in items)
        plain = "".join(item if isinstance(item, str) else item.text for item in items)
        self.clear()
        return Submitted(_visible(prompt), _visible(plain))

    def _line_start(self) -> int:
        before = self.items[: self.cursor]
        return len(before) - before[::-1].index("\n") if "\n" in before else 0

    def _hides_bidi(self) -> bool:
        hidden = [item for item in self.items if isinstance(item, str) and _BIDI.match(item)]
        folded = [item for item in self.items if isinstance(item, Folded) and _BIDI.search(item.text)]
        if not hidden and not folded:
            return False
        count = len(hidden) + sum(len(_BIDI.findall(item.text)) for item in folded)
        cleaned = [_without_bidi(item) for item in self.items]
        self.items = [item for item in cleaned if item]
        self.cursor = len(self.items)
        characters = "character" if count == 1 else "characters"
        self.notice = f"Removed {count} invisible {characters} · review and press Enter to send"
        return True


def _shown(items: list[Item]) -> str:
    return "".join(item if isinstance(item, str) else item.label for item in items)


def _without_bidi(item: Item) -> Item:
    if isinstance(item, str):
        return _BIDI.sub("", item)
    return Folded(item.number, _BIDI.sub("", item.text))


def _trimmed(items: list[Item]) -> list[Item]:
    start, end = 0, len(items)
    while start < end and _blank(items[start]):
        start += 1
    while end > start and _blank(items[end - 1]):
        end -= 1
    return items[start:end]


def _blank(item: Item) -> bool:
    return isinstance(item, str) and not _visible(item).strip()


def _prompt_part(item: Item, paste_id: str) -> str:
    if isinstance(item, str):
        return item
    tag = f'pasted_content id="{paste_id}"'
    inner = _WRAPPER.sub(r"<\\", item.text)
    return f"\n\n<{tag}>\n{inner}\n</{tag}>\n"


def _visible(text: str) -> str:
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
