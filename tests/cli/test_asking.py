"""The commands that ask the daemon and print: the real program, and the forms its answers take."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from ccmux.cli import messages, status, tail
from ccmux.core.control import answer, refusal
from tests.cli.conftest import STATUS, Project, kind, lines


def saying(**answers: dict[str, Any]) -> Any:
    return lambda request: answer(**answers[request["op"]]) if request["op"] in answers else kind(request)


def test_status_for_a_person(project: Project) -> None:
    with project.daemon(kind):
        done = project.run("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "my-app: Claude is idle",
        "  held      by nothing: a message is typed when it comes",
        "  queue     2 queued",
        "  claude    pid 7, session 0f3c",
        "  ccmux     1.2, up 2 h 5 min",
    ]


def test_status_says_what_holds_and_the_way_out() -> None:
    told = status.told(
        {
            **STATUS,
            "hold": "dialog",
            "detail": "folder \x1btrust",
            "way_out": "close it",
            "held_s": 61.0,
            "pid": None,
            "session_id": None,
            "restarts": 2,
            "out": {"mail": 3, "x": 0},
            "queue": {},
            "last_turn_at": 40.0,
        },
        now_s=100.0,
    )
    assert told.splitlines()[1:-1] == [
        "  held      dialog (folder ·trust) for 1 min",
        "  way out   close it",
        "  queue     empty",
        "  outgoing  3 mail wait for a reader",
        "  claude    not running, session not begun, 2 restarts",
        "  last turn 1 min ago",
    ]


def test_status_as_json_is_what_the_daemon_said(project: Project) -> None:
    with project.daemon(kind):
        assert json.loads(project.run("status", "--json").stdout) == STATUS


def test_watching_the_status_goes_on_until_ctrl_c(project: Project) -> None:
    with project.daemon(kind):
        watching = project.start("status", "--watch", "--json")
        assert watching.stdout
        seen = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=30)
    assert seen == [STATUS, STATUS]
    assert (watching.returncode, said) == (130, "")


MESSAGE = {
    "id": 7,
    "channel": "mail",
    "state": "dead",
    "reason": "bad",
    "key": None,
    "ts": 5.0,
    "taken_at": 1_000.0,
    "chars": 5,
    "content": "one\n\x1b[2J two " + "x" * 100,
    "attachments": [],
    "meta": {},
    "prompt_id": None,
}


def test_messages_are_one_line_each_and_cannot_command_the_terminal(project: Project) -> None:
    with project.daemon(saying(messages={"messages": [MESSAGE]})) as asked:
        done = project.run("messages", "--state", "dead", "--state", "queued", "--limit", "7")
        listed = json.loads(project.run("messages", "--json").stdout)
    (line,) = done.stdout.splitlines()
    assert line.startswith("     7  dead ")
    assert "mail  one ·[2J two xxx" in line
    assert line.endswith("…(bad)")
    assert asked[0] == {"op": "messages", "project": "my-app", "states": ["dead", "queued"], "limit": 7}
    assert listed == [MESSAGE]


def test_a_messages_age_counts_from_its_coming_whatever_its_sender_says() -> None:
    assert "  dead           1 min  mail  " in messages.told(MESSAGE, now_s=1_075.0)
    assert "  dead             0 s  mail  " in messages.told(MESSAGE, now_s=900.0)
    older = {key: value for key, value in MESSAGE.items() if key != "taken_at"}
    assert "  dead            30 s  mail  " in messages.told(older, now_s=35.0)


HOLD = {
    "id": 7,
    "channel": "mail",
    "state": "queued",
    "reason": "dialog: trust",
    "way_out": "close it",
    "since_s": 75.0,
}


def test_why_says_the_reason_and_the_way_out(project: Project) -> None:
    with project.daemon(saying(why={"holds": [HOLD, {**HOLD, "id": 8, "way_out": ""}]})) as asked:
        done = project.run("why", "mail-7")
        listed = json.loads(project.run("why", "--json").stdout)
    assert done.stdout.splitlines() == [
        "message 7 (mail), queued, 1 min old: dialog: trust",
        "    way out: close it",
        "message 8 (mail), queued, 1 min old: dialog: trust",
    ]
    assert [request["id"] for request in asked] == ["mail-7", ""]
    assert listed[0] == HOLD


def test_why_says_that_nothing_waits_and_whether_a_message_would(project: Project) -> None:
    with project.daemon(kind):
        assert project.run("why").stdout == "nothing waits\n"
    with project.daemon(saying(status={"status": {**STATUS, "hold": "paused"}})):
        assert project.run("why").stdout == "nothing waits; a message would wait now: paused\n"


def test_an_unknown_message_is_said_in_the_daemons_words(project: Project) -> None:
    with project.daemon(lambda _: refusal("there is no message '9'; `ccmux messages` lists them")):
        done = project.run("why", "9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ccmux: there is no message '9'; `ccmux messages` lists them\n"


@pytest.mark.parametrize("name", ["pause", "resume", "interrupt"])
def test_a_word_to_the_dispatcher(project: Project, name: str) -> None:
    with project.daemon(kind) as asked:
        done = project.run(name)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert asked == [{"op": name, "project": "my-app"}]


# ------------------------------------------------------------------------------------------------ events

EVENTS: dict[str, dict[str, Any]] = {
    "turn     2 blocks: done": {
        "type": "turn",
        "turn": [{"type": "text", "text": "done"}, {"type": "tool_use"}],
    },
    "turn     1 block: no text": {"type": "turn", "turn": [{"type": "thinking"}]},
    "message  7 mail: dead: too often": {
        "type": "message",
        "id": 7,
        "channel": "mail",
        "state": "dead",
        "reason": "too often",
    },
    "state    busy: Claude is generating": {"type": "state", "state": "busy", "hold": "Claude is generating"},
    'permission_request r1 Bash: {"command":"ls"}': {
        "type": "permission_request",
        "request_id": "r1",
        "tool_name": "Bash",
        "tool_input": {"command": "ls"},
    },
    "permission_resolved r1 allow by you": {
        "type": "permission_resolved",
        "request_id": "r1",
        "behavior": "allow",
        "by": "you",
    },
    "claude   crashed: pid 7: again in 4 s": {"type": "claude", "event": "crashed", "pid": 7, "backoff_s": 4},
    "channel  mail: delivered: 3": {"type": "channel", "channel": "mail", "event": "delivered", "id": 3},
    'later    {"x":1}': {"type": "later", "x": 1, "session": "p"},
}


@pytest.mark.parametrize(("line", "event"), EVENTS.items())
def test_an_event_is_one_line_for_a_person(line: str, event: dict[str, Any]) -> None:
    told = tail.told({"seq": 5, "ts": 0.0, **event})
    assert told.partition(" 5 ")[2] == line


def test_a_long_event_is_cut_and_cannot_command_the_terminal() -> None:
    told = tail.told({"type": "turn", "turn": [{"type": "text", "text": "a\n\x1b[2J" + "x" * 1_000}]})
    assert "a ·[2J" in told
    assert "\n" not in told
    assert len(told) < 140


def test_tail_prints_until_the_stream_ends_and_says_how_to_go_on(project: Project) -> None:
    subscriptions = []

    def events(asked: dict[str, Any]) -> bytes:
        subscriptions.append(asked)
        stored = [{"seq": seq, "ts": 1.0, "type": "state", "state": "idle"} for seq in (6, 7)]
        return lines(*stored, {"type": "error", "error": "bye"})

    with project.daemon(kind, events):
        done = project.run("tail", "--since", "5", "--json")
        assert project.run("tail").stdout.count("\n") == 2
    assert done.returncode == 1
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [6, 7]
    assert "(bye)" in done.stderr
    assert done.stderr.endswith("go on with: ccmux tail --since 7\n")
    assert subscriptions == [{"since": 5}, {}]


def test_a_number_that_was_never_told_is_said_and_the_tail_goes_on_from_the_newest(project: Project) -> None:
    subscriptions = []

    def events(asked: dict[str, Any]) -> bytes:
        subscriptions.append(asked)
        return lines(
            {"seq": 42, "ts": 1.0, "type": "state", "state": "idle"}, {"type": "error", "error": "bye"}
        )

    with project.daemon(kind, events):
        done = project.run("tail", "--since", "99999")
        assert "there is no event" not in project.run("tail", "--since", "41").stderr
    assert " 42 state " in done.stdout
    says, _ = done.stderr.splitlines()
    assert says == "ccmux: there is no event 99999 yet, the newest is 41; what comes follows"
    assert subscriptions == [{"since": 41}, {"since": 41}]


def test_a_reader_that_leaves_ends_the_tail_quietly(project: Project) -> None:
    many = lines(*({"seq": seq, "type": "state", "text": "x" * 1_000} for seq in range(1_000)))
    with project.daemon(kind, lambda _: many):
        tailing = project.start("tail", "--json")
        assert tailing.stdout
        assert tailing.stderr
        tailing.stdout.readline()
        tailing.stdout.close()
        assert tailing.wait(30) == 1
        assert tailing.stderr.read() == ""
        tailing.stderr.close()
