import json

from ccmux.core.outgoing import Outgoing, line


def test_a_line_carries_the_callers_key_or_our_number() -> None:
    out = Outgoing(id=4, key=None, ts=1.5, channel="tg", message="a\nb", session="demo")
    assert json.loads(line(out)) == {
        "id": "4", "ts": 1.5, "channel": "tg", "message": "a\nb", "session": "demo",
    }  # fmt: skip
    keyed = Outgoing(id=4, key="k", ts=1.5, channel="tg", message="", session="demo")
    assert json.loads(line(keyed))["id"] == "k"
    assert line(out).count(b"\n") == 1
