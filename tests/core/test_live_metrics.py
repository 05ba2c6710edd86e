import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.live.claims import Claims
from ccmux.core.live.metrics import PROMPT_CHARS, Meter, Totals
from tests.live.corpus import MODEL, Story

CORPUS = Path(__file__).parents[1] / "corpus" / "transcripts"


def record(kind: str, at: int = 0, **more: Any) -> dict[str, Any]:
    stamp = f"2026-11-20T10:{at // 60:02}:{at % 60:02}Z"
    return {"type": kind, "timestamp": stamp, "isSidechain": False, **more}


def prompt(text: object, at: int = 0, **more: Any) -> dict[str, Any]:
    return record("user", at, message={"role": "user", "content": text}, **more)


def answer(
    id_: str = "m1",
    tokens: int = 10,
    output: int = 1,
    at: int = 0,
    *,
    request: str | None = None,
    model: str = MODEL,
    content: object = (),
    stop: str | None = "end_turn",
    usage: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    said = {"input_tokens": tokens, "output_tokens": output} if usage is None else usage
    message = {"id": id_, "model": model, "content": content, "usage": said, "stop_reason": stop}
    return record("assistant", at, message=message, **({"requestId": request} if request else {}), **more)


def metered(*records: dict[str, Any] | bytes, claims: Claims | None = None, session: str = "s") -> Totals:
    meter = Meter(session, claims or Claims())
    for one in records:
        meter.take(one if isinstance(one, bytes) else json.dumps(one).encode())
    return meter.totals


def total(*records: dict[str, Any] | bytes, claims: Claims | None = None, session: str = "s") -> int:
    return metered(*records, claims=claims, session=session).usage.total


RESPONSES = {
    "two responses": ([answer("a"), answer("b")], 22),
    "the lines of one response": ([answer("a", request="r"), answer("a", request="r")], 11),
    "without a request id": ([answer("a"), answer("a")], 11),
    "a request id that only some lines have": ([answer("a"), answer("a", request="r"), answer("a")], 11),
    "another request, the same message id": ([answer("a", request="r"), answer("a", request="q")], 22),
    "both again": ([answer("a", request="r"), answer("a", request="q")] * 2, 22),
    "usage that grows": ([answer("a", output=1), answer("a", output=500)], 510),
    "usage that shrinks": ([answer("a", output=500), answer("a", output=1)], 510),
    "no message id": ([answer(""), answer("")], 22),
    "a replay in a sidechain": (
        [answer("a", request="r"), answer("a", 99, request="q", isSidechain=True)],
        11,
    ),
    "a replay that came first": (
        [answer("a", 99, request="q", isSidechain=True), answer("a", request="r")],
        11,
    ),
    "a sidechain of its own": ([answer("a"), answer("b", isSidechain=True)], 22),
    "no usage": ([answer("a", usage={})], 0),
    "usage null": ([record("assistant", message={"id": "a", "usage": None})], 0),
    "an error of the API's": ([answer("a", model="<synthetic>")], 0),
    "odd shapes": (
        [record("assistant", message=7), answer("a", tokens=-5), answer("b", content=7), b"", b"[]"],
        0,
    ),
    "what cannot be read": ([b"{", b"\xff", b"null", b'{"type":7}', b"[" * 100_000], 0),
    "lines of other kinds": ([record("system"), record("attachment"), record("x"), record("mode")], 0),
}


@pytest.mark.parametrize(("records", "tokens"), RESPONSES.values(), ids=RESPONSES.keys())
def test_each_response_counts_once(records: list[dict[str, Any] | bytes], tokens: int) -> None:
    assert total(*records) == tokens


def test_all_kinds_of_tokens_count_and_are_told_apart() -> None:
    usage = {
        "input_tokens": 1,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 300,
        "output_tokens": 4_000,
        "cache_creation": {"ephemeral_1h_input_tokens": 8},
    }
    totals = metered(answer(usage=usage))
    assert (totals.fresh, totals.written, totals.written_1h, totals.read, totals.output) == (
        1,
        20,
        8,
        300,
        4_000,
    )
    assert totals.context == 321


def test_a_response_of_long_ago_still_counts_once() -> None:
    many = [answer(f"m{number}") for number in range(200)]
    totals = metered(*many, *many)
    assert totals.usage.total == 200 * 11
    assert len(totals.recent) <= 64


def test_a_fork_counts_only_what_is_its_own() -> None:
    history = [
        prompt("one", 0, uuid="u1"),
        answer("a", at=60, content=[{"type": "tool_use", "id": "t", "name": "Bash"}], stop="tool_use"),
        prompt([{"type": "tool_result", "tool_use_id": "t"}], 100),
        answer("b", at=120),
    ]
    claims = Claims()
    first = metered(*history, claims=claims, session="first")
    fork = metered(
        *history, prompt("two", 130, uuid="u2"), answer("c", at=140), claims=claims, session="fork"
    )
    assert (first.usage.total, first.user_prompts, first.tool_calls, first.active_s) == (22, 1, 1, 120)
    assert (fork.usage.total, fork.user_prompts, fork.tool_calls, fork.active_s) == (11, 1, 0, 20)


PROMPTS = {
    "a string": ("hello", {}, 1),
    "a text block": ([{"type": "text", "text": "hello"}], {}, 1),
    "a picture": ([{"type": "image"}], {}, 1),
    "nothing": ("", {}, 0),
    "a tool's result": ([{"type": "tool_result", "content": "hello"}], {}, 0),
    "meta": ("hello", {"isMeta": True}, 0),
    "a command": ("<command-name>/clear</command-name>", {}, 0),
    "a command's output": ("<local-command-stdout>x</local-command-stdout>", {}, 0),
    "a caveat": ("<local-command-caveat>x", {}, 0),
    "a reminder": ("<system-reminder>x</system-reminder>", {}, 0),
    "a summary": ("hello", {"isCompactSummary": True}, 0),
    "an interrupt": ("[Request interrupted by user]", {}, 0),
    "a sidechain": ("hello", {"isSidechain": True}, 0),
    "another session's": ("hello", {"origin": {"kind": "peer"}}, 0),
}


@pytest.mark.parametrize(("content", "more", "count"), PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_is_what_a_person_asked(content: object, more: dict[str, Any], count: int) -> None:
    assert metered(prompt(content, **more)).user_prompts == count


def test_a_prompt_that_was_queued_counts_too() -> None:
    queued = record("attachment", attachment={"type": "queued_command", "prompt": "and this"}, uuid="q")
    totals = metered(prompt("first", uuid="u"), queued, queued)
    assert (totals.user_prompts, totals.last_prompt) == (2, "and this")


def test_a_message_that_is_a_bare_string_is_a_prompt() -> None:
    assert metered(record("user", message="hello")).last_prompt == "hello"


def test_of_a_long_prompt_the_beginning_is_kept() -> None:
    assert metered(prompt("é" * 9_000)).last_prompt == "é" * PROMPT_CHARS


def test_tools_are_counted_by_name_and_once_each() -> None:
    def call(id_: str, name: str) -> dict[str, str]:
        return {"type": "tool_use", "id": id_, "name": name}

    totals = metered(
        answer("a", content=[{"type": "text"}, call("1", "Bash"), "odd"]),
        answer("a", content=[call("1", "Bash")]),
        answer("b", content=[call("2", "Bash"), call("3", "mcp__x__y"), call("", "Read"), call("", "Read")]),
        answer("c", content="only words"),
    )
    assert totals.tools == {"Bash": 2, "mcp__x__y": 1, "Read": 2}
    assert totals.tool_calls == 5


TIMES = {
    "one record": ([0], 0),
    "gaps add up": ([0, 10, 25], 25),
    "a long pause is cut": ([0, 10, 1_000], 310),
    "what is older adds nothing": ([100, 40, 100, 110], 10),
}


@pytest.mark.parametrize(("at", "seconds"), TIMES.values(), ids=TIMES.keys())
def test_active_time_is_the_sum_of_short_gaps(at: list[int], seconds: int) -> None:
    assert metered(*(answer(f"m{number}", at=one) for number, one in enumerate(at))).active_s == seconds


def test_records_without_a_time_count_no_time() -> None:
    bare = {**answer("b"), "timestamp": "soon"}
    far = {**answer("c"), "timestamp": "0001-01-01T00:00:00+23:59"}
    assert metered(answer("a", at=0), bare, far, answer("d", at=9)).active_s == 9


def test_a_subagents_own_lines_count_tokens_and_no_time() -> None:
    meter = Meter("s", Claims())
    meter.take(json.dumps(answer("a", at=0)).encode())
    meter.take(json.dumps(answer("b", at=50, isSidechain=True)).encode(), timed=False)
    assert (meter.totals.usage.total, meter.totals.active_s) == (22, 0)


STATES = {
    "asked": ([prompt("x")], True),
    "answered": ([prompt("x"), answer()], False),
    "at a tool": ([prompt("x"), answer(stop="tool_use")], True),
    "still speaking": ([prompt("x"), answer(stop=None)], True),
    "a tool answered": ([answer(), prompt([{"type": "tool_result"}])], True),
    "interrupted": ([prompt("x"), prompt("[Request interrupted by user for tool use]")], False),
    "an error": ([prompt("x"), answer(model="<synthetic>")], False),
    "a mark of the end": ([prompt("x"), record("system", subtype="turn_duration")], False),
    "a subagent's end": ([prompt("x"), answer("s", isSidechain=True)], True),
}


@pytest.mark.parametrize(("records", "busy"), STATES.values(), ids=STATES.keys())
def test_the_last_record_tells_whether_claude_is_at_work(records: list[dict[str, Any]], busy: bool) -> None:
    assert metered(*records).busy is busy


def test_the_newest_answer_says_model_and_context_a_subagents_does_not() -> None:
    totals = metered(
        answer("a", 10),
        answer("b", 70, model="claude-sonnet-4-6"),
        answer("c", 9, model="x", isSidechain=True),
    )
    assert (totals.model, totals.context) == ("claude-sonnet-4-6", 70)


def test_cost_adds_up_and_says_where_it_is_not_the_whole() -> None:
    known = metered(answer("a", 1_000_000, 0), answer("b", 0, 1_000_000), answer("b", 0, 2_000_000))
    assert (known.cost, known.unpriced) == (5 + 50, False)
    unknown = metered(answer("a", 1_000_000, 0), answer("b", model="claude-of-tomorrow"))
    assert (unknown.cost, unknown.unpriced) == (5, True)
    fast = metered(answer("a", usage={"input_tokens": 1, "speed": "fast"}))
    assert fast.unpriced


# What the real CLI wrote, counted by other means: jq, and eyes.
REAL = {
    "turns.jsonl": (113_875, 2, 7, "hello again"),
    "interrupts-and-resume.jsonl": (190_516, 6, 13, "hello resumed"),
    "errors-and-notices.jsonl": (71_840, 1, 6, "after compact"),
    "after-clear.jsonl": (14_143, 0, 1, "after clear"),
}


@pytest.mark.parametrize("name", REAL)
def test_what_the_real_cli_wrote(name: str) -> None:
    totals = metered(*(CORPUS / name).read_bytes().split(b"\n"))
    assert (totals.usage.total, totals.tool_calls, totals.user_prompts, totals.last_prompt) == REAL[name]


def lines(turns: int, seed: int) -> list[bytes]:
    import random  # noqa: PLC0415

    story = Story("s", random.Random(seed))
    return [line for _ in range(turns) for line in story.turn()]


@given(st.data())
def test_kept_and_gone_on_with_anywhere_the_totals_are_the_same(data: st.DataObject) -> None:
    told = lines(3, data.draw(st.integers(0, 5)))
    whole = metered(*told)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(told)), max_size=4)))
    totals = Totals()
    held: dict[int, int] = {}
    for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True):
        claims = Claims()
        claims.restore("s", held.items())
        meter = Meter("s", claims, msgspec.json.decode(msgspec.json.encode(totals), type=Totals))
        for line in told[start:end]:
            meter.take(line)
        totals = meter.totals
        held |= claims.news("s")
    assert totals == whole


@given(st.binary(max_size=200))
def test_no_line_ever_breaks_it(line: bytes) -> None:
    metered(
        line, b'{"type":"user","message":' + line + b"}", b'{"type":"assistant","message":{"usage":' + line
    )
