"""The protocol, message by message, from a raw client: what the older overseer's clients rely on."""

from __future__ import annotations

import json
import re
import signal
import uuid
from pathlib import Path
from typing import Any

import pytest

from ccmux.core.overseer.protocol import MESSAGE_BYTES
from ccmux.trial.waiting import until
from tests.overseer.client import Client
from tests.overseer.stand import OverseerStand, lives

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def checked(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message without its time, which must be one."""
    assert TIME.fullmatch(message.pop("ts"))
    return message


def of(messages: list[dict[str, Any]], task_id: str) -> list[dict[str, Any]]:
    return [checked(message) for message in messages if message.get("task_id") == task_id]


def test_a_task_from_its_start_to_its_end(client: Client) -> None:
    client.ask("start", id="1", task_id="whole", command="sh", args=["-c", "echo one; echo two >&2; exit 3"])
    first, *outputs, last = of(client.all_until("exited", task_id="whole"), "whole")
    pid = first["pid"]
    assert first == {"type": "started", "task_id": "whole", "pid": pid, "id": "1"}
    assert last == {"type": "exited", "task_id": "whole", "pid": pid, "exit_code": 3, "intentional": False}
    common = {"type": "output", "task_id": "whole", "pid": pid}
    by_stream = {message["stream"]: message for message in outputs}
    seqs = {message.pop("seq") for message in outputs}
    assert seqs == {1, 2}
    assert by_stream["stdout"] == {**common, "stream": "stdout", "data": "one"}
    assert by_stream["stderr"] == {**common, "stream": "stderr", "data": "two"}


def test_started_comes_before_the_first_output_every_time(client: Client) -> None:
    for number in range(30):
        client.ask("start", task_id=f"early{number}", command="echo", args=["x"])
    seen: set[str] = set()
    ended: set[str] = set()
    while len(ended) < 30:
        message = client.next()
        name = message.get("task_id", "")
        if message["type"] == "started":
            seen.add(name)
        elif name.startswith("early"):
            assert name in seen
            ended |= {name} if message["type"] == "exited" else set()


def test_a_task_without_a_name_gets_one(client: Client) -> None:
    started = client.answer("start", command="true")
    assert str(uuid.UUID(started["task_id"], version=4)) == started["task_id"]


def test_an_answer_has_no_id_where_the_question_has_none(client: Client) -> None:
    client.ask("list")
    answer = client.until("tasks")
    assert answer.keys() == {"type", "tasks"}


def test_an_id_may_be_a_number(client: Client) -> None:
    client.ask("list", id=7)
    assert client.until("tasks")["id"] == 7


def test_a_list_tells_a_task_field_by_field(client: Client) -> None:
    policy = {"restart_delay": "1m30s", "error_window": "5m", "error_threshold": 3}
    started = client.answer("start", task_id="told", command="sleep", args=["1000"], retry_policy=policy)
    task = client.tasks()["told"]
    assert TIME.fullmatch(task.pop("created_at"))
    assert TIME.fullmatch(task.pop("last_started_at"))
    assert task == {
        "task_id": "told",
        "command": "sleep",
        "args": ["1000"],
        "state": "active",
        "retry_policy": policy,
        "current_pid": started["pid"],
        "worker_state": "running",
        "restart_count": 0,
    }
    client.ask("stop", task_id="told")
    client.until("exited", task_id="told")
    task = client.tasks()["told"]
    assert TIME.fullmatch(task["last_exited_at"])
    facts = {"state": "stopped", "worker_state": "exited", "last_exit_code": -1}
    assert facts.items() <= task.items()


def test_a_list_since(client: Client) -> None:
    first = client.answer("start", task_id="before", command="true")
    client.until("exited", task_id="before")
    second = client.answer("start", task_id="after", command="sleep", args=["1000"])
    names = {task["task_id"] for task in client.answer("list", since=second["ts"])["tasks"]}
    assert "after" in names
    assert "before" not in names
    assert "before" in {task["task_id"] for task in client.answer("list", since=first["ts"])["tasks"]}
    client.ask("stop", task_id="after")


def test_a_stop_is_intentional_and_told_to_who_asked_by_its_id(
    client: Client, overseer: OverseerStand
) -> None:
    with overseer.client() as other:
        started = client.answer("start", task_id="stopped", command="sleep", args=["1000"])
        ended = client.answer("stop", task_id="stopped")
        facts = {"type": "exited", "task_id": "stopped", "pid": started["pid"], "exit_code": -1}
        assert {**facts, "signal": "SIGTERM", "intentional": True}.items() <= ended.items()
        assert "id" not in other.until("exited", task_id="stopped")
    assert client.tasks()["stopped"]["state"] == "stopped"


def test_a_stopped_task_can_be_started_anew_with_another_command(client: Client) -> None:
    client.answer("start", task_id="anew", command="sleep", args=["1000"])
    client.answer("stop", task_id="anew")
    client.answer("start", task_id="anew", command="echo", args=["other"])
    assert client.until("output", task_id="anew")["data"] == "other"
    assert client.tasks()["anew"]["command"] == "echo"


def test_it_runs_again_until_it_ended_too_often_and_a_reset_starts_it(client: Client) -> None:
    policy = {"restart_delay": "1ms", "error_window": "1m", "error_threshold": 3}
    client.ask("start", task_id="loop", command="false", retry_policy=policy)
    story = of(client.all_until("errored", task_id="loop"), "loop")
    kinds = [message["type"] for message in story]
    again = ["exited", "restarting", "started"]
    assert kinds == ["started", *again, *again, "exited", "errored"]
    pids = [message["pid"] for message in story if message["type"] == "started"]
    assert [message.get("restart_of") for message in story if message["type"] == "started"] == [
        None,
        *pids[:2],
    ]
    restarting = {
        "type": "restarting",
        "task_id": "loop",
        "pid": pids[0],
        "restart_delay": "1ms",
        "attempt": 1,
    }
    assert story[2] == restarting
    assert story[-1] == {"type": "errored", "task_id": "loop", "pid": pids[2], "exit_count": 3}
    facts = {"state": "errored", "restart_count": 2, "error_message": "it ended 3 times"}
    assert facts.items() <= client.tasks()["loop"].items()
    assert client.answer("reset", task_id="loop")["type"] == "started"
    client.until("errored", task_id="loop")


def test_who_exits_with_0_is_started_again_too(client: Client) -> None:
    client.ask("start", task_id="zero", command="true", retry_policy={"error_threshold": 2})
    assert client.until("errored", task_id="zero")["exit_count"] == 2


def test_a_start_while_it_waits_to_be_started_makes_one_of_it(client: Client) -> None:
    client.ask("start", task_id="one", command="false", retry_policy={"restart_delay": "1h"})
    client.until("restarting", task_id="one")
    started = client.answer("start", task_id="one", command="sleep", args=["1000"])
    assert "restart_of" not in started
    assert client.tasks()["one"]["current_pid"] == started["pid"]
    assert (
        client.answer("start", task_id="one", command="true")["message"]
        == "task already has a running worker"
    )
    client.answer("stop", task_id="one")


def test_a_replay_is_for_the_asking_client_alone_and_outlives_a_restart(
    client: Client, overseer: OverseerStand
) -> None:
    policy = {"restart_delay": "1ms", "error_threshold": 2}
    client.ask("start", task_id="again", command="echo", args=["crashed"], retry_policy=policy)
    live = [m for m in client.all_until("errored", task_id="again") if m["type"] in {"output", "exited"}]
    with overseer.client() as other:
        client.ask("replay", task_id="again")
        client.ask("list", id="end")
        replayed = client.all_until("tasks", id="end")[:-1]
        assert replayed == [message for message in live if message["task_id"] == "again"]
        assert len(replayed) == 4
        client.ask("replay", task_id="again", since=replayed[2]["ts"])
        client.ask("list", id="end")
        assert client.all_until("tasks", id="end")[:-1] == replayed[2:]
        assert other.answer("list")["type"] == "tasks"  # nothing was told to it before


def test_only_the_newest_hundred_events_are_kept(client: Client) -> None:
    client.ask("start", task_id="many", command="seq", args=["250"])
    client.until("exited", task_id="many")
    client.ask("replay", task_id="many")
    client.ask("list", id="end")
    *outputs, last = client.all_until("tasks", id="end")[:-1]
    assert last["type"] == "exited"
    assert [message["data"] for message in outputs] == [str(number) for number in range(152, 251)]
    assert [message["seq"] for message in outputs] == list(range(152, 251))


MENDS = "name a program that is there and executable"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "start what": ({"type": "start"}, "command is required"),
    "a missing program": (
        {"type": "start", "task_id": "ghost", "command": "no-such-program"},
        f"cannot start no-such-program: No such file or directory; {MENDS}",
    ),
    "a folder": (
        {"type": "start", "task_id": "ghost", "command": "/tmp"},
        f"cannot start /tmp: Permission denied; {MENDS}",
    ),
    "stop what": ({"type": "stop"}, "task_id is required"),
    "stop nobody": ({"type": "stop", "task_id": "ghost"}, "task not found"),
    "reset nobody": ({"type": "reset", "task_id": "ghost"}, "task not found"),
    "replay nobody": ({"type": "replay", "task_id": "ghost"}, "task not found"),
    "since when": ({"type": "list", "since": "noon"}, "invalid since timestamp"),
    "what": ({"type": "dance"}, "unknown message type"),
}


@pytest.mark.parametrize(("request_", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_told_and_nothing_is_left_of_it(
    client: Client, request_: dict[str, Any], message: str
) -> None:
    client.send(json.dumps({**request_, "id": "x"}))
    while (said := client.next()).get("id") != "x":
        pass
    assert said == {"type": "error", "message": message, "id": "x"}
    assert "ghost" not in client.tasks()


def test_a_reset_of_what_was_not_given_up_is_refused(client: Client) -> None:
    client.answer("start", task_id="fine", command="true")
    assert client.answer("reset", task_id="fine")["message"] == "task is not in errored state"


@pytest.mark.parametrize("text", ["{", "[]", '"start"', '{"type":5}', "\0", "[" * 50_000])
def test_what_is_no_json_is_told_and_the_connection_stays(client: Client, text: str) -> None:
    client.send(text)
    assert client.until("error")["message"] == "invalid JSON"
    assert client.answer("list")["type"] == "tasks"


def test_too_long_a_message_ends_the_connection_of_who_sent_it(
    client: Client, overseer: OverseerStand
) -> None:
    with overseer.client() as other:
        other.send(b'"' + b"x" * (MESSAGE_BYTES + 10) + b'"')
        with pytest.raises(ConnectionError):
            other.until("nothing of it")
    assert client.answer("list")["type"] == "tasks"


def test_a_client_hears_what_it_chooses(client: Client, overseer: OverseerStand) -> None:
    with overseer.client() as choosing, overseer.client() as all_:
        assert choosing.answer("subscribe", task_id="b")["type"] == "subscribed"
        assert all_.answer("subscribe")["type"] == "subscribed"
        for name in ("a", "b"):
            client.ask("start", task_id=name, command="echo", args=[name])
            client.until("exited", task_id=name)
        heard = [choosing.next() for _ in range(3)]
        assert [(m["type"], m["task_id"]) for m in heard] == [
            ("started", "b"),
            ("output", "b"),
            ("exited", "b"),
        ]
        assert {m["task_id"] for m in (all_.next() for _ in range(6))} == {"a", "b"}
        assert choosing.answer("unsubscribe", task_id="b")["type"] == "unsubscribed"
        client.ask("start", task_id="b", command="echo", args=["b"])
        client.until("exited", task_id="b")
        assert choosing.answer("list")["type"] == "tasks"
        choosing.ask("start", task_id="mine", command="true")  # who starts one hears of it
        assert choosing.until("exited")["task_id"] == "mine"


def test_who_has_not_chosen_hears_of_no_start_that_others_asked_for(
    client: Client, overseer: OverseerStand
) -> None:
    with overseer.client() as other:
        client.ask("start", task_id="theirs", command="true")
        client.until("exited", task_id="theirs")
        assert other.next()["type"] == "exited"


def test_no_shell_reads_the_words(client: Client) -> None:
    client.ask("start", task_id="words", command="echo", args=["$HOME", "a b", "*", "`id`", "é\n"])
    assert client.until("output", task_id="words")["data"] == "$HOME a b * `id` é"


def test_what_is_printed_is_told_whatever_it_is(client: Client) -> None:
    script = r"printf 'a\377b\r\n\n\tc\000d\nend'"
    client.ask("start", task_id="bytes", command="sh", args=["-c", script])
    heard = [m["data"] for m in client.all_until("exited", task_id="bytes") if m["type"] == "output"]
    assert heard == ["a\N{REPLACEMENT CHARACTER}b", "", "\tc\0d", "end"]


def test_fifty_megabytes_without_an_end_come_in_pieces(client: Client) -> None:
    script = r"head -c 50000000 /dev/zero | tr '\0' x"
    client.ask("start", task_id="endless", command="sh", args=["-c", script])
    size = pieces = 0
    while (message := client.next())["type"] != "exited":
        if message["type"] == "output":
            size += len(message["data"])
            pieces += message.get("more", False)
    assert size == 50_000_000
    assert pieces == 47


def test_grandchildren_end_with_their_task(client: Client, tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $!; setsid sh -c 'echo $$ > {tmp_path}/left; exec sleep 1000' & sleep 1000"
    client.ask("start", task_id="family", command="sh", args=["-c", script])
    near = int(client.until("output", task_id="family")["data"])
    until(lambda: (tmp_path / "left").exists() and (tmp_path / "left").read_text() != "", "the far one")
    far = int((tmp_path / "left").read_text())
    client.answer("stop", task_id="family")
    until(lambda: not lives(near) and not lives(far), "the end of both")


def test_a_grandchild_that_keeps_the_pipe_keeps_no_exit(client: Client) -> None:
    client.ask("start", task_id="keeps", command="sh", args=["-c", "sleep 1000 & echo $!"])
    pid = int(client.until("output", task_id="keeps")["data"])
    assert client.until("exited", task_id="keeps")["exit_code"] == 0
    until(lambda: not lives(pid), "the end of who was left")


def test_who_does_not_hear_a_stop_is_killed_however_often_it_is_stopped(client: Client) -> None:
    client.ask(
        "start",
        task_id="deaf",
        command="sh",
        args=["-c", "trap '' TERM; echo on; while :; do sleep 0.1; done"],
    )
    client.until("output", task_id="deaf")
    client.ask("stop", task_id="deaf")
    client.ask("stop", task_id="deaf")
    ended = client.until("exited", task_id="deaf")
    assert {"signal": signal.SIGKILL.name, "intentional": True}.items() <= ended.items()
    assert client.answer("start", task_id="deaf", command="true")["type"] == "started"


def test_events_are_written_down_a_line_each(client: Client, overseer: OverseerStand) -> None:
    client.ask("start", task_id="logged", command="echo", args=["x"])
    client.until("exited", task_id="logged")
    path = overseer.folder / "events.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600

    def logged() -> list[str]:
        events = [json.loads(line) for line in path.read_text().splitlines()]
        return [event["type"] for event in events if event["task_id"] == "logged"]

    until(lambda: logged() == ["started", "output", "exited"], lambda: str(logged()))
