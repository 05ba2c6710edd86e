import json

from ccmux.core.events import Draft, EventType, encode


def test_an_event_is_one_json_line_with_its_number_first() -> None:
    draft = Draft(type=EventType.STATE, fields={"state": "idle", "hold": None, "note": "ü\n"})
    event = encode(draft, seq=3, ts=1.23456, session="demo")
    assert event.line.endswith(b"}\n")
    assert event.line.count(b"\n") == 1
    assert list(json.loads(event.line).items()) == [
        ("seq", 3), ("ts", 1.235), ("type", "state"), ("session", "demo"),
        ("state", "idle"), ("hold", None), ("note", "ü\n"),
    ]  # fmt: skip
