"""The token: this was reviewed, on top of that. A commit moves HEAD, and so it fits only once.

An aborted commit leaves HEAD where it was, and the token fits still. It is a note of an honest workplace, no
signature: who may write to the repository's own folder can write one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What was reviewed.

    Attributes:
        tree: The tree that was staged.
        base: HEAD's commit then, or the tree without a file before the first one.
        verdicts: What each reviewer said of it.

    """

    tree: str
    base: str
    verdicts: Mapping[str, str]


def written(token: Token) -> bytes:
    """Return the text of its file."""
    return msgspec.json.format(msgspec.json.encode(token), indent=2) + b"\n"


def misfit(content: bytes | None, *, tree: str, base: str) -> str:
    """Return why a token's file does not let pass a commit of `tree` on top of `base`; "" where it does."""
    if content is None:
        return "nobody has reviewed what is staged"
    try:
        token = msgspec.json.decode(content, type=Token)
    except msgspec.DecodeError:
        return "the token is damaged"
    if token.tree != tree:
        return "what is staged is not what was reviewed"
    return "" if token.base == base else "HEAD is another commit than when it was reviewed"
