"""The programs of live status as users and hooks start them, with a relay on loopback."""

import os
import signal
import subprocess
import threading
from pathlib import Path

from ccmux.trial.waiting import until
from tests.live.desk import CCMUX, Desk, answered, asked
from tests.live.relay import RelayServer


def test_a_session_is_told_of_from_its_first_hook_to_its_last(desk: Desk, relay: RelayServer) -> None:
    desk.transcript("s1", asked("u1", "what is the time?"), answered("m1", 100), answered("m1", 100))
    desk.tell("register", desk.payload("s1", model="claude-opus-4-8"), pid=desk.claude())
    relay.until_sessions("s1")
    post = relay.newest
    assert post.path == "/api/live/heartbeat"
    assert post.headers["Authorization"] == "Bearer k3y"
    [session] = relay.sessions()
    assert session["total_tokens"] == 101
    assert (session["user_prompts"], session["active_time_seconds"]) == (1, 10)
    assert (session["last_prompt"], session["project"]) == ("what is the time?", "proj")
    assert (session["model"], session["sensitive"], session["state"]) == ("claude-opus-4-8", False, "idle")

    desk.transcript("s1", asked("u2", "and now?", "2026-11-20T10:00:12Z"))
    until(lambda: relay.sessions()[0]["last_prompt"] == "and now?", lambda: str(relay.newest))
    assert (relay.sessions()[0]["state"], relay.sessions()[0]["user_prompts"]) == ("busy", 2)

    desk.tell("unregister", desk.payload("s1", reason="other"))
    relay.until_stop()
    assert relay.newest.said == {"source": post.said["source"]}


def test_preview_is_what_is_posted_byte_for_byte(desk: Desk, relay: RelayServer) -> None:
    desk.transcript("s1", asked("u1", "mail anna.smith@web-mail.org \N{SNOWMAN}"), answered("m1", 100))
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    relay.until_sessions("s1")
    shown = desk.run("live", "preview")
    assert (shown.stdout, shown.stderr) == (relay.newest.body + b"\n", b"")
    assert "anna" not in shown.stdout.decode()


def test_a_sensitive_session_shows_nothing_of_its_prompt_beside_a_normal_one(
    desk: Desk, relay: RelayServer
) -> None:
    for name in ("open", "shut"):
        desk.transcript(name, asked(f"u-{name}", f"a secret of {name}"))
    desk.tell("register", desk.payload("open"), pid=desk.claude())
    desk.tell("register", desk.payload("shut"), pid=desk.claude(), CC_LIVE_SENSITIVE="1")
    relay.until_sessions("open", "shut")
    of_open, of_shut = relay.sessions()
    assert (of_open["last_prompt"], of_open["sensitive"]) == ("a secret of open", False)
    assert of_shut["sensitive"] is True
    assert len(of_shut["last_prompt"].encode()) == len("a secret of shut")
    assert all(b"secret of shut" not in post.body for post in relay.posts)


def test_ten_at_once_start_one_publisher(desk: Desk, relay: RelayServer) -> None:
    payloads = [desk.payload(f"s{number}") for number in range(10)]
    environment = {**desk.environment, "CLAUDE_PID": ""}
    running = [
        subprocess.Popen([CCMUX, "live", "register"], stdin=subprocess.PIPE, env=environment)
        for _ in payloads
    ]
    for process, payload in zip(running, payloads, strict=True):
        threading.Thread(target=process.communicate, args=(payload,)).start()
    assert [process.wait() for process in running] == [0] * 10
    until(lambda: len(relay.sessions()) == 10, lambda: str(relay.posts))
    assert len(desk.publishers()) == 1
    assert len({post.said["source"] for post in relay.posts}) == 1


def test_a_killed_publisher_is_started_by_the_next_register_and_goes_on(
    desk: Desk, relay: RelayServer
) -> None:
    desk.transcript("s1", asked("u1", "one"), answered("m1", 100))
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    relay.until_sessions("s1")
    [publisher] = desk.publishers()
    os.kill(publisher, signal.SIGKILL)
    until(lambda: not desk.publishers(), "an end of the publisher")
    desk.tell("register", desk.payload("s2"), pid=desk.claude())
    relay.until_sessions("s1", "s2")
    assert relay.sessions()[0]["total_tokens"] == 101


def test_a_crashed_session_is_forgotten_also_while_it_is_a_zombie(desk: Desk, relay: RelayServer) -> None:
    lives, dies = desk.claude(), desk.claude()
    desk.tell("register", desk.payload("s1"), pid=dies)
    desk.tell("register", desk.payload("s2"), pid=lives)
    relay.until_sessions("s1", "s2")
    desk.kill_claude(dies)
    desk.transcript("s2", asked("u1", "stirs the publisher"))
    relay.until_sessions("s2")


def test_where_nobody_is_to_be_told_nothing_happens(desk: Desk) -> None:
    desk.tell("register", desk.payload("s1"), CC_LIVE_API_KEY="")
    desk.tell("unregister", desk.payload("s1"), CC_LIVE_ENDPOINT="")
    assert not desk.paths.dir.exists()
    assert desk.publishers() == []


def test_a_hook_waits_for_no_relay(desk: Desk, relay: RelayServer) -> None:
    relay.go_on.clear()
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    until(lambda: bool(relay.posts), "a post")
    desk.tell("unregister", desk.payload("s1"))
    assert [post.path for post in relay.posts] == ["/api/live/heartbeat"]
    relay.go_on.set()
    relay.until_stop()


def test_the_key_is_in_no_command_line_and_no_log(desk: Desk, relay: RelayServer) -> None:
    relay.status = 401
    desk.transcript("s1", asked("u1", "nobody reads this in a log"))
    desk.tell("register", desk.payload("s1"), pid=desk.claude())
    until(lambda: bool(relay.posts), "a post")
    until(lambda: "relay not told" in desk.paths.log_file.read_text(), "a warning")
    [publisher] = desk.publishers()
    assert b"k3y" not in Path(f"/proc/{publisher}/cmdline").read_bytes()
    log = desk.paths.log_file.read_text()
    assert "k3y" not in log
    assert "nobody reads" not in log
