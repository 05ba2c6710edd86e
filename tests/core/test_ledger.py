"""The proof by tables and by chance: what is missing, what is doubled, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.ledger import Carried, Ledger, TypedBatch, Verdict, prove

NOW = 1_000.0
HI = "[14:30 default] hi"


def batch(*ids: int, body: str = HI, at: float = 10.0, prompt: str | None = None, **more: Any) -> TypedBatch:
    known: dict[str, Any] = {"lead": "", "session_id": "s"}
    return TypedBatch(ids=ids, body=body, typed_at=at, prompt_id=prompt, **(known | more))


def said(text: str = HI, *, at: float = 11.0, prompt: str | None = None) -> Carried:
    return Carried(session_id="s", prompt_id=prompt, at=at, text=text)


def verdict(
    batches: list[TypedBatch], prompts: list[Carried], *, state: str = "answered", **more: Any
) -> dict[str, Any]:
    states = {id_: state for one in batches for id_ in one.ids} | more.pop("states", {})
    told = prove(Ledger(states=states, batches=batches), prompts, gone=more.pop("gone", ()), now_s=NOW)
    names = ("answered", "waiting", "in_flight", "missing", "doubled", "uncertain", "unprovable", "dead")
    return {name: getattr(told, name) for name in names if getattr(told, name)}


TWICE = "[14:30 default] hi\n[14:30 default] hi"
LONG = f"[14:30 tg] a < b\n    {'x' * 900}"
GUARDED = LONG.replace("a < b", "a <\\ b")
WRAPPED = f'[14:31 ccmux] 1 message:\n\n<pasted_content id="5f">\n{GUARDED}\n</pasted_content id="5f">\n'

CASES: dict[str, tuple[list[TypedBatch], list[Carried], dict[str, Any]]] = {
    "one message, one prompt": ([batch(1)], [said()], {"answered": 1}),
    "no prompt at all": ([batch(1)], [], {"missing": (1,)}),
    "another's text": ([batch(1)], [said("[14:30 default] ho")], {"missing": (1,)}),
    "twice": ([batch(1)], [said(), said(at=12)], {"answered": 1, "doubled": (1,)}),
    "two equal messages": ([batch(1), batch(2, at=20)], [said(), said(at=21)], {"answered": 2}),
    "two equal messages, one prompt": (
        [batch(1), batch(2, at=20)],
        [said()],
        {"answered": 1, "missing": (2,)},
    ),
    "two equal messages in one second, one prompt": (
        [batch(1, at=10), batch(2, at=10.5)],
        [said()],
        {"answered": 1, "missing": (2,)},
    ),
    "two equal messages in one second, two prompts": (
        [batch(1, at=10), batch(2, at=10.5)],
        [said(), said(at=11.5)],
        {"answered": 2},
    ),
    "two equal messages, three prompts": (
        [batch(1), batch(2, at=20)],
        [said(), said(at=21), said(at=22)],
        {"answered": 2, "doubled": (1,)},
    ),
    "a prompt older than the typing is another's": ([batch(1, at=50)], [said(at=20)], {"missing": (1,)}),
    "a prompt without a time counts": ([batch(1, at=50)], [said(at=0)], {"answered": 1}),
    "a copy in a forked conversation is the same prompt": ([batch(1)], [said(), said()], {"answered": 1}),
    "the same text of two batches, one in a longer prompt": (
        [batch(1, 2, body=TWICE), batch(3, at=20)],
        [said(TWICE), said(at=21)],
        {"answered": 3},
    ),
    "a longer prompt does not stand for a missing one": (
        [batch(1, 2, body=TWICE), batch(3, at=20)],
        [said(TWICE)],
        {"answered": 2, "missing": (3,)},
    ),
    "typed again alone after it went in with others": (
        [batch(2, at=20)],
        [said(TWICE), said(at=21)],
        {"answered": 1, "doubled": (2,)},
    ),
    "beside a person's draft": ([batch(1)], [said(f"a draft\n{HI}")], {"answered": 1}),
    "a person's words behind it, by the turn's id": (
        [batch(1, prompt="p")],
        [said(f"{HI} and more", prompt="p")],
        {"answered": 1},
    ),
    "a person's words behind it, nobody's id": ([batch(1)], [said(f"{HI} and more")], {"missing": (1,)}),
    "by the turn's id, whatever the clock": (
        [batch(1, at=50, prompt="p")],
        [said(at=20, prompt="p")],
        {"answered": 1},
    ),
    "two in one prompt, the Enter between them lost": (
        [batch(1, prompt="p"), batch(2, body="[14:31 tg] ho", prompt="p")],
        [said(f"{HI}\n[14:31 tg] ho", prompt="p")],
        {"answered": 2},
    ),
    "an id that belongs to another text proves nothing": (
        [batch(1, prompt="p")],
        [said("[14:30 default] ho", prompt="p")],
        {"missing": (1,)},
    ),
    "wrapped, with its markup guarded": (
        [batch(1, body=LONG, lead="[14:31 ccmux] 1 message:")],
        [said(WRAPPED)],
        {"answered": 1},
    ),
    "a person's own prompts and ccmux's are nobody's double": (
        [batch(1)],
        [said(), said("hello", at=12), said("[14:40 ccmux] go on where you were", at=13)],
        {"answered": 1},
    ),
    "a message that quotes ours is not ours": (
        [batch(1)],
        [said(), said(f"[14:32 tg] look\n    {HI}", at=12)],
        {"answered": 1},
    ),
}


@pytest.mark.parametrize(("batches", "prompts", "expected"), CASES.values(), ids=CASES)
def test_what_the_transcripts_prove(
    batches: list[TypedBatch], prompts: list[Carried], expected: dict[str, Any]
) -> None:
    assert verdict(batches, prompts) == expected


def test_each_state_has_its_list() -> None:
    states = {5: "queued", 6: "typing", 7: "uncertain", 8: "dead", 9: "dropped", 10: "answered"}
    told = verdict([batch(1, prompt="p")], [said(prompt="p")], state="started", states=states)
    assert told == {
        "in_flight": (1,),
        "waiting": (5, 6),
        "uncertain": (7,),
        "dead": (8, 9),
        "missing": (10,),
    }


def test_what_was_just_submitted_is_given_time_to_be_written() -> None:
    assert verdict([batch(1, at=NOW - 1)], [], state="submitted") == {"in_flight": (1,)}
    assert verdict([batch(1, at=NOW - 1)], [], state="started") == {"missing": (1,)}
    assert verdict([batch(1, at=NOW - 31)], [], state="submitted") == {"missing": (1,)}


def test_a_transcript_that_is_gone_proves_nothing_any_more() -> None:
    assert verdict([batch(1)], [], gone={"s"}) == {"unprovable": (1,)}
    assert verdict([batch(1)], [], gone={"other"}) == {"missing": (1,)}


def test_where_no_turn_tells_the_conversation_is_the_one_of_that_time() -> None:
    hosted = [(0.0, "old"), (100.0, "new")]
    early, late = batch(1, at=50, session_id=""), batch(2, at=150, session_id="")
    ledger = Ledger(states={1: "started", 2: "started"}, batches=[early, late], hosted=hosted)
    told = prove(ledger, [], gone={"old"}, now_s=NOW)
    assert (told.unprovable, told.missing) == ((1,), (2,))
    assert Ledger(states={}, batches=[]).session_of(early) == ""


def test_only_what_was_asked_for_is_told() -> None:
    ledger = Ledger(states={2: "answered"}, batches=[batch(1), batch(2, at=20)])
    told = prove(ledger, [said(), said(at=21), said(at=22)], gone=(), now_s=NOW)
    assert told == Verdict(received=1, states={"answered": 1}, answered=1, doubled=())


TEXTS = st.sampled_from(["hi", "ho", "hi there", "x" * 900, "a\n    b"])


@given(st.lists(st.tuples(TEXTS, st.integers(0, 2), st.booleans()), max_size=12), st.randoms())
def test_every_lost_and_every_doubled_prompt_is_found(sent: list[tuple[str, int, bool]], chance: Any) -> None:
    """Each batch is submitted 0, 1 or 2 times; the prompts come in any order in the files."""
    batches, prompts, states = [], [], {}
    lost = doubled = 0
    for id_, (text, times, with_id) in enumerate(sent, start=1):
        # One minute each: two equal texts are then told apart, so that the numbers are certain.
        body = f"[{id_ // 60:02}:{id_ % 60:02} tg] {text}"
        at, prompt = id_ * 100.0, f"p{id_}" if with_id else None
        batches.append(batch(id_, body=body, at=at, prompt=prompt))
        states[id_] = "answered"
        prompts += [said(body, at=at + 1 + n, prompt=prompt if n == 0 else None) for n in range(times)]
        lost += times == 0
        doubled += times == 2
    chance.shuffle(prompts)
    told = prove(Ledger(states=states, batches=batches), prompts, gone=(), now_s=NOW)
    assert (len(told.missing), len(told.doubled)) == (lost, doubled)
    assert told.answered == len(sent) - lost
    assert told.is_clean is (lost == doubled == 0)
