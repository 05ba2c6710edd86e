import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.json_text import (
    Unchanged,
    Unparsable,
    Updated,
    container_at,
    root_of,
    without_member,
)
from ccmux.core.live.user_hooks import Removed, installed, uninstalled

SHIM = "/home/jo smith/.ccmux/data/live/hook.sh"
COMMANDS = {
    "SessionStart": ["/bin/sh", SHIM, "register"],
    "SessionEnd": ["/bin/sh", SHIM, "unregister"],
}
OURS = {
    event: {"type": "command", "command": f"/bin/sh '{SHIM}' {argv[-1]}", "timeout": 5}
    for event, argv in COMMANDS.items()
}


def install(text: str | None) -> str:
    change = installed(None if text is None else text.encode(), COMMANDS, shim=SHIM)
    assert isinstance(change, Updated)
    return change.content.decode()


def uninstall(text: str) -> str:
    change = uninstalled(text.encode(), list(COMMANDS), shim=SHIM)
    assert isinstance(change, Updated)
    return change.content.decode()


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_where_nothing_stands_a_file_is_written(text: str | None) -> None:
    assert json.loads(install(text)) == {
        "hooks": {event: [{"hooks": [hook]}] for event, hook in OURS.items()}
    }


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_file_that_was_written_where_nothing_stood_goes_again(text: str | None) -> None:
    assert uninstalled(install(text).encode(), list(COMMANDS), shim=SHIM) == Removed()


def test_a_file_that_somebody_changed_since_stays() -> None:
    new = install(None)
    assert json.loads(uninstall(new.replace("{", '{"model": "opus",', 1))) == {"model": "opus"}
    assert uninstall(new.rstrip("\n")) == "{}"
    assert uninstall(json.dumps(json.loads(new)) + "\n") == "{}\n"


HAND_MADE = """{
\t"model": "opus", "env": {"A":1},
\t"hooks": {
\t\t"Stop": [ {"hooks": [{"type": "command", "command": "beep"}]} ],
\t\t"SessionStart": [
\t\t\t{"matcher": "startup", "hooks": [{"type":"command","command":"x '"}, 7]},
\t\t\t"odd", {"hooks": "odd"}, {}
\t\t]
\t},
\t"last": [1, 2,3]
}
"""


def test_ours_stand_beside_what_is_there_and_every_other_byte_stays() -> None:
    new = install(HAND_MADE)
    before, after = HAND_MADE.split(", {}\n")
    assert new.startswith(before + ', {}, {"hooks": [{"type": "command"')
    assert new.endswith('\n\t},\n\t"last": [1, 2,3]\n}\n')
    hooks = json.loads(new)["hooks"]
    assert hooks["SessionStart"][-1] == {"hooks": [OURS["SessionStart"]]}
    assert hooks["SessionEnd"] == [{"hooks": [OURS["SessionEnd"]]}]
    assert hooks["Stop"] == json.loads(HAND_MADE)["hooks"]["Stop"]
    assert after


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a": 1}',
        HAND_MADE,
        HAND_MADE.replace("\n", "\r\n"),
        '{\n  "hooks": {\n    "Stop": []\n  }\n}\n',
        '{"hooks": {"SessionStart": [{"hooks": []}], "SessionEnd": [1]}}',
    ],
)
def test_taken_out_again_the_file_is_what_it_was(text: str) -> None:
    assert uninstall(install(text)) == text


@pytest.mark.parametrize("text", ["{}", HAND_MADE])
def test_the_second_time_changes_nothing(text: str) -> None:
    new = install(text).encode()
    assert installed(new, COMMANDS, shim=SHIM) == Unchanged()
    assert uninstalled(uninstall(new.decode()).encode(), list(COMMANDS), shim=SHIM) == Unchanged()


def test_an_older_hook_of_ours_is_renewed_and_never_doubled() -> None:
    old = install(HAND_MADE).replace("' register", "' register --old")
    assert json.loads(install(old)) == json.loads(install(HAND_MADE))
    twice = json.loads(old)
    twice["hooks"]["SessionStart"].append(
        {"hooks": [OURS["SessionStart"], {"type": "command", "command": "y"}]}
    )
    groups = json.loads(install(json.dumps(twice)))["hooks"]["SessionStart"]
    assert groups[-2:] == [
        {"hooks": [{"type": "command", "command": "y"}]},
        {"hooks": [OURS["SessionStart"]]},
    ]


def test_a_hook_of_another_data_directory_is_not_ours() -> None:
    other = install("{}").replace("/home/jo smith", "/home/else")
    assert len(json.loads(install(other))["hooks"]["SessionStart"]) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "line 1 column 2"),
        (b"\xff", "not UTF-8"),
        (b"[]", "no JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b"[" * 100_000, "nested"),
        (b'{"hooks": []}', "hooks is no JSON object"),
        (b'{"hooks": {"SessionEnd": {}}}', "hooks.SessionEnd is no JSON list"),
    ],
)
def test_what_cannot_be_changed_is_left_alone_and_said(text: bytes, says: str) -> None:
    change = installed(text, COMMANDS, shim=SHIM)
    assert isinstance(change, Unparsable)
    assert says in change.reason
    assert not isinstance(uninstalled(text, list(COMMANDS), shim=SHIM), Updated)


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_where_nothing_stands_nothing_is_taken_out(content: bytes | None) -> None:
    assert uninstalled(content, list(COMMANDS), shim=SHIM) == Unchanged()


def test_all_but_the_first_member_leave_without_a_trace() -> None:
    text = '{ "a": 1, "b": [1, 2] }'
    root = root_of(text)
    assert without_member(text, root, root.members[0]) == '{ "b": [1, 2] }'
    assert without_member(text, root, root.members[1]) == '{ "a": 1 }'
    array = container_at(text, root.members[1].value_start)
    assert without_member(text, array, array.members[0]) == '{ "a": 1, "b": [2] }'


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HOOKS = st.dictionaries(
    st.sampled_from(["SessionStart", "Stop", "SessionEnd"]),
    st.lists(VALUES, min_size=1, max_size=3),
    min_size=1,
)


@given(
    st.dictionaries(st.text(max_size=6), VALUES, max_size=3),
    st.none() | HOOKS,
    st.sampled_from([None, 2, "\t"]),
)
def test_whatever_else_stands_there_stays(
    others: dict[str, Any], hooks: Any, indent: int | str | None
) -> None:
    root = {**others, **({} if hooks is None else {"hooks": hooks})}
    if hooks is None:
        root.pop("hooks", None)
    text = json.dumps(root, indent=indent)
    new = install(text)
    assert uninstall(new) == text
    told = json.loads(new)
    for event in COMMANDS:
        assert told["hooks"][event][:-1] == (root.get("hooks") or {}).get(event, [])
        assert told["hooks"][event][-1] == {"hooks": [OURS[event]]}
