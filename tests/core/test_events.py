import json

from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.events import Draft, EventType, QueuedLines, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_an_event_is_one_json_line_with_its_number_first() -> None:
    draft = Draft(type=EventType.STATE, fields={"state": "idle", "hold": None, "note": "ü\n"})
    event = encode(draft, seq=3, ts=1.23456, session="demo")
    assert event.line.endswith(b"}\n")
    assert event.line.count(b"\n") == 1
    assert list(json.loads(event.line).items()) == [
        ("seq", 3), ("ts", 1.235), ("type", "state"), ("session", "demo"),
        ("state", "idle"), ("hold", None), ("note", "ü\n"),
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.none() | texts, st.sampled_from(["default", "tg.bob"]), st.integers(1, 2**60))),
    texts,
    st.floats(0, 4e9),
)
def test_a_queued_messages_line_is_what_the_encoder_would_write(
    messages: list[tuple[str | None, str, int]], session: str, ts: float
) -> None:
    lines = QueuedLines(ts=ts, session=session)
    for seq, (key, channel, id_) in enumerate(messages):
        fields = {"id": id_, "key": key, "channel": channel, "state": "queued", "reason": ""}
        expected = encode(Draft(type=EventType.MESSAGE, fields=fields), seq=seq, ts=ts, session=session)
        assert lines.line(seq=seq, id_=id_, key=key, channel=channel) == expected.line
