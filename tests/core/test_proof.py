"""Delivered is only what Claude itself reports, and no message can speak for another."""

from __future__ import annotations

import pytest

from ccmux.core.proof import Match, carries

OURS = "[14:30 tg] hello"
LEAD = "[14:31 ccmux] 2 messages:"
BODY = "[14:30 tg] a\n    b\n[14:30 wa] c\n    d"


def wrapped(body: str, paste_id: str = "cdbc") -> str:
    return f'\n\n<pasted_content id="{paste_id}">\n{body}\n</pasted_content id="{paste_id}">\n'


BARE = {
    "itself": (OURS, Match.EXACT),
    "with white space": (f" {OURS} \n", Match.EXACT),
    "wrapped all the same (a low window), its blank inside": (wrapped(OURS + " "), Match.EXACT),
    "behind a draft": (f"my draft{OURS}", Match.WITHIN),
    "behind a draft of two lines": (f"my\ndraft {OURS}", Match.WITHIN),
    "before a draft in a new line": (f"{OURS}\nmy draft", Match.WITHIN),
    "wrapped behind a draft": (f"draft{wrapped(OURS)}", Match.WITHIN),
    "before other messages": (f"{OURS}\n[14:30 tg] more", Match.WITHIN),
    "behind other messages in a paste": (wrapped(f"[14:30 tg] a\n{OURS}"), Match.WITHIN),
    "before other messages in a paste": (wrapped(f"{OURS}\n[14:30 tg] a"), Match.WITHIN),
    "words typed behind it, or another message": (f"{OURS} world", Match.FOLLOWED),
    "followed and then whole": (f"{OURS} world\n{OURS}", Match.WITHIN),
    "another word": (f"{OURS}world", Match.NO),
    "a longer message that begins alike": (f"{OURS}\n    second line", Match.NO),
    "quoted in another message's first line": (f"[14:30 wa] {OURS}", Match.NO),
    "quoted in another message's next line": (f"[14:30 wa] x\n    {OURS}", Match.NO),
    "quoted there with a wrapper": (
        f'[14:30 wa] x\n    <\\pasted_content id="1">\n    {OURS}\n    <\\/pasted_content id="1">',
        Match.NO,
    ),
    "something else": ("hello", Match.NO),
    "nothing": ("", Match.NO),
}

WRAPPED = {
    "as it arrives": (LEAD + wrapped(BODY), Match.EXACT),
    "not wrapped by a later version": (LEAD + BODY, Match.EXACT),
    "the lead was lost": (wrapped(BODY), Match.EXACT),
    "behind a draft": ("draft " + LEAD + wrapped(BODY), Match.WITHIN),
    "before a draft": (LEAD + wrapped(BODY) + "draft", Match.WITHIN),
    "before a draft in the same line": (LEAD + wrapped(BODY).rstrip("\n") + " draft", Match.FOLLOWED),
    "cut short": (LEAD + wrapped(BODY[:-1]), Match.NO),
    "only the lead": (LEAD, Match.NO),
    "more of it": (LEAD + wrapped(BODY + "\n    e"), Match.NO),
    "quoted": (LEAD + wrapped("[14:31 wa] x\n    " + BODY.replace("\n", "\n    ")), Match.NO),
}


@pytest.mark.parametrize(("submitted", "match"), BARE.values(), ids=BARE.keys())
def test_a_bare_body(submitted: str, match: Match) -> None:
    assert carries(submitted, lead="", body=OURS) is match


@pytest.mark.parametrize(("submitted", "match"), WRAPPED.values(), ids=WRAPPED.keys())
def test_a_body_with_its_lead(submitted: str, match: Match) -> None:
    assert carries(submitted, lead=LEAD, body=BODY) is match


@pytest.mark.parametrize("like", "<\uff1c\u2039\u3008\ufe64")
def test_what_the_cli_escapes_is_the_same_text(like: str) -> None:
    body = f"[14:30 tg] x {like}pasted_content> <\\pasted_content>"
    said = "[14:30 tg] x <\\pasted_content> <\\pasted_content>"
    assert carries(said, lead="", body=body) is Match.EXACT
    assert carries(wrapped(said), lead="", body=body) is Match.EXACT


def test_no_text_is_no_proof() -> None:
    assert carries("anything", lead="", body="") is Match.NO
