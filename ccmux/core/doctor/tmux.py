"""Whether tmux is there, new enough, and carries to the byte what is typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ccmux.core.doctor.diagnosis import Diagnosis, ails, fine, warns

OLDEST = (3, 2, "a")
"""`new-session -e` and what control mode needs came with 3.2, and 3.2 itself had them wrong."""

_INSTALL = "install tmux 3.2a or later: sudo apt-get install tmux"
_VERSION = re.compile(r"(?:next-)?(\d+)\.(\d+)([a-z]?)")

_LINE = 'line {number:03d}: a \\ "quoted" $word ~ #{{it}} ; '
CANARY: Mapping[str, str] = {
    "a short text": "ccmux doctor",
    "unicode": "e\u0301 a\u0308 \U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    " \U0001f44d\U0001f3fd \u2764\ufe0f \u6f22\u5b57\u304b\u306a \ud55c\uae00 \u0627\u0644",
    "a long text": "\n".join(_LINE.format(number=number).ljust(49, ".") for number in range(1, 401)) + ".",
}
"""What is typed: a name for a person, and the text. The long one has 400 lines and 20,000 characters."""

_PASTE_BEGINS, _PASTE_ENDS, _ENTER = b"\x1b[200~", b"\x1b[201~", b"\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFacts:
    """What came of the canary.

    Attributes:
        arrived: By a text's name, what the program in the pane read.
        failure: Why it came to no end, "" where it did.

    """

    arrived: Mapping[str, bytes]
    failure: str = ""


def expected(text: str) -> bytes:
    """Return what must arrive for a text and its Enter: one bracketed paste, one CR behind it."""
    return _PASTE_BEGINS + text.encode() + _PASTE_ENDS + _ENTER


def judge_version(said: str) -> Diagnosis:
    """Judge what `tmux -V` printed; "" where there is no tmux."""
    word = said.strip().removeprefix("tmux ").strip()
    if not word:
        return ails("tmux", "version", "tmux is not on the PATH", _INSTALL)
    found = _VERSION.fullmatch(word)
    if found is None:
        return warns(
            "tmux", "version", f"'{word}' is no version that is known here", "the canary below says more"
        )
    if (int(found[1]), int(found[2]), found[3]) < OLDEST:
        return ails("tmux", "version", f"{word} is too old", _INSTALL)
    return fine("tmux", "version", word)


def judge_canary(facts: CanaryFacts) -> Diagnosis:
    """Judge whether each text of `CANARY` arrived as it was typed."""
    for name, text in CANARY.items():
        wanted, got = expected(text), facts.arrived.get(name, b"")
        if got != wanted:
            why = facts.failure or _difference(wanted, got)
            return ails("tmux", "canary", f"{name}, typed into a pane, did not arrive: {why}", _INSTALL)
    if facts.failure:
        return ails("tmux", "canary", facts.failure, "see that /tmp can be written, then: ccmux doctor")
    return fine("tmux", "canary", "short, Unicode and long text arrive to the byte")


def _difference(wanted: bytes, got: bytes) -> str:
    if not got:
        return "nothing came"
    if not got.startswith(_PASTE_BEGINS):
        return "it came as single keys, not as a paste"
    same = next((at for at, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), None)
    if same is None:
        return f"{len(got)} of {len(wanted)} bytes came"
    return f"byte {same} is another one"
