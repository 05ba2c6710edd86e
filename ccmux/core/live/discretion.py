"""Which words of a session leave this machine: the newest prompt, shortened, with nothing personal in it.

What is found to be personal becomes a placeholder that says its kind. Of a sensitive session nothing is left
but the number of bytes: noise that is the same as long as the prompt is, made with a secret of this machine,
so that nobody can try a guess.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ccmux.core.personal import find_personal

PROMPT_BYTES = 500
"""So much of a prompt is shown."""

_LOOKED_AT_CHARS = 2_000
"""So much of it is searched: enough for PROMPT_BYTES however much of it is replaced."""
_WRAPPER = re.compile(r'\n*</?pasted_content id="[^"\n]*">\n?')
_NOISE = b"abcdefghijklmnopqrstuvwxyz     "


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretion:
    """What a user wants to keep to themselves.

    Attributes:
        redact: Put placeholders into the place of what is personal.
        projects: Names of folders, or absolute paths that stand for all below them too, `~/` being `home`:
            only sessions that work there are shown; none at all shows every one.
        home: The user's home.
        secret: This machine's own, for the noise.

    """

    redact: bool
    projects: Sequence[str]
    home: str
    secret: bytes

    def shows(self, cwd: str) -> bool:
        """Tell whether a session that works in this folder may be shown."""
        folder = PurePath(cwd)
        for entry in self.projects:
            path = PurePath(self.home, entry[2:]) if entry.startswith("~/") else PurePath(entry)
            if folder.is_relative_to(path) if path.is_absolute() else folder.name == entry:
                return True
        return not self.projects

    def project(self, cwd: str) -> str:
        """Return what others may call a session's folder; a home has its owner's name and is `~`."""
        if PurePath(cwd) == PurePath(self.home):
            return "~"
        name = PurePath(cwd).name
        return redacted(name) if self.redact else name

    def prompt(self, asked: str, *, sensitive: bool) -> str:
        """Return what others may see of a prompt; of a sensitive session's nothing."""
        text = _WRAPPER.sub("\n", asked).strip()
        if sensitive:
            return noise(_cut(text, PROMPT_BYTES), self.secret)
        return _cut(redacted(text) if self.redact else text, PROMPT_BYTES)


def redacted(text: str) -> str:
    """Return the beginning of a text with placeholders for what is personal."""
    if len(text) > _LOOKED_AT_CHARS:
        # What is cut in two is not recognised: the last word goes.
        text = text[:_LOOKED_AT_CHARS].rpartition(" ")[0]
    parts, told_to = [], 0
    for one in find_personal(text, strict=True):
        if one.start >= told_to:
            parts += [text[told_to : one.start], f"[{one.kind}]"]
        told_to = max(told_to, one.end)
    return "".join([*parts, text[told_to:]])


def noise(text: str, secret: bytes) -> str:
    """Return as many bytes of letters and blanks as the text has; the same for the same text and secret."""
    wanted = len(text.encode())
    drawn = b"".join(
        hmac.digest(secret, b"%d:" % block + text.encode(), "sha256") for block in range(wanted // 32 + 1)
    )
    return bytes(_NOISE[byte % len(_NOISE)] for byte in drawn[:wanted]).decode()


def _cut(text: str, most: int) -> str:
    """Return so many bytes of it at the most, and no half character."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
