"""A token fits the tree that was reviewed on top of the commit it was reviewed on, and nothing else."""

from __future__ import annotations

import pytest

from ccmux.core.privacy.token import Token, misfit, written

CONTENT = written(Token(tree="t", base="b", verdicts={"identity": "pass"}))


@pytest.mark.parametrize(
    ("content", "tree", "base", "reason"),
    [
        (CONTENT, "t", "b", ""),
        (CONTENT, "u", "b", "what is staged is not what was reviewed"),
        (CONTENT, "t", "c", "HEAD is another commit than when it was reviewed"),
        (None, "t", "b", "nobody has reviewed what is staged"),
        (b"", "t", "b", "the token is damaged"),
        (b"{}", "t", "b", "the token is damaged"),
        (b"\xff", "t", "b", "the token is damaged"),
    ],
)
def test_misfit(content: bytes | None, tree: str, base: str, reason: str) -> None:
    assert misfit(content, tree=tree, base=base) == reason
