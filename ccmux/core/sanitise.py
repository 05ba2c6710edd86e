"""What of a foreign text may reach Claude's input box: the cleaned text, which the box hands on unchanged.

It decides about characters only; headers and indentation are `prompt.py`'s. It never raises, whatever it is
given. Source of every rule: Claude Code 2.1.329, measured by pasting each kind of character; where the CLI
keeps more than we do (ZWNJ in Persian, tag characters of flags), we are the stricter one.
"""

from __future__ import annotations

import re
import unicodedata

TAB = "    "

_PLAIN = re.compile(r"[ -;=-~\n]*")
"""Nothing to do but to trim: no control character, no `<`, ASCII."""

_NEWLINE = re.compile("\r\n|[\r\u0085\u2028\u2029]")

_REMOVED = re.compile(
    "["
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # C0 but LF, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"  # soft hyphen, joiner, ALM, Hangul and Khmer fillers
    "\u180b-\u180f\u200b\u200c\u200e\u200f\u202a-\u202e"  # Mongolian selectors, ZWSP, ZWNJ, bidi
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # WJ, isolates, VS1-15, BOM, interlinear
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # hieroglyph, shorthand, music controls
    "\U000e0000-\U000e0fff"  # tag characters, VS17-256
    "\ud800-\udfff"  # lone surrogates: no UTF-8 can carry them
    "]"
)
"""Control and invisible characters (Default_Ignorable_Code_Point and the format controls the CLI drops)."""

_ZWJ, _VS16 = "\u200d", "\ufe0f"
_PICTOGRAPH = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3"
    "\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618"
    "\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660"
    "\u2663\u2665\u2666\u2668\u267b\u267e\u267f\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa"
    "\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea"
    "\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728"
    "\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf"
    "\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf"
    "\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f202"
    "\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f321"
    "\U0001f324-\U0001f393\U0001f396\U0001f397\U0001f399-\U0001f39b\U0001f39e-\U0001f3f0"
    "\U0001f3f3-\U0001f3f5\U0001f3f7-\U0001f3fa\U0001f400-\U0001f4fd\U0001f4ff-\U0001f53d"
    "\U0001f549-\U0001f54e\U0001f550-\U0001f567\U0001f56f\U0001f570\U0001f573-\U0001f57a\U0001f587"
    "\U0001f58a-\U0001f58d\U0001f590\U0001f595\U0001f596\U0001f5a4\U0001f5a5\U0001f5a8\U0001f5b1"
    "\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1"
    "\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa-\U0001f64f\U0001f680-\U0001f6c5"
    "\U0001f6cb-\U0001f6d2\U0001f6d5-\U0001f6e5\U0001f6e9\U0001f6eb-\U0001f6f0\U0001f6f3-\U0001f6ff"
    "\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f90c-\U0001f93a"
    "\U0001f93c-\U0001f945\U0001f947-\U0001f9ff\U0001fa70-\U0001faff]"
)
_ELEMENT = f"{_PICTOGRAPH}(?:{_VS16}|[\U0001f3fb-\U0001f3ff])?"
_JOINER = re.compile(f"([0-9#*]{_VS16}\u20e3|{_ELEMENT}(?:{_ZWJ}{_ELEMENT})*)|[{_ZWJ}{_VS16}]")
"""A keycap or an emoji sequence, whose joiners stay; or a joiner that stands elsewhere."""

_LESS_THAN = "<\u02c2\u1438\u2039\u2329\u276e\u27e8\u3008\ufe64\uff1c"
"""The sign and what looks like it: the CLI takes them for one here, and writes the sign."""

_WRAPPER = re.compile(rf"[{_LESS_THAN}](?!\\)(?=[^\w{_LESS_THAN}]*pasted[^a-z0-9\s]content)", re.IGNORECASE)
r"""The CLI writes `<\pasted_content`, `<\/pasted_content` for these itself; `proof.py` knows rarer forms."""


def clean(text: str) -> str:
    r"""Clean a text for the input box; "" where nothing visible is left. Cleaning twice changes nothing more.

    NFC; a tab is four spaces; CRLF, CR, NEL, U+2028 and U+2029 are LF; control characters and invisible ones
    are removed, ZWJ and VS16 outside an emoji too; outer white space goes; `<pasted_content` and its end
    become `<\pasted_content`, as the CLI would make them.

    NFC is that of this Python's Unicode: marks of scripts added since may be reordered by a newer CLI.
    """
    if _PLAIN.fullmatch(text):
        return text.strip()
    text = _REMOVED.sub("", _NEWLINE.sub("\n", text.replace("\t", TAB)))
    text = unicodedata.normalize("NFC", text)
    if _ZWJ in text or _VS16 in text:
        text = _without_stray_joiners(text)
    return _WRAPPER.sub(r"<\\", text).strip()


def _without_stray_joiners(text: str) -> str:
    """Remove joiners outside emoji; what they kept apart can compose and end another emoji: repeat."""
    while True:
        once = unicodedata.normalize("NFC", _JOINER.sub(r"\1", text))
        if once == text:
            return text
        text = once
