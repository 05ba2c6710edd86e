"""The main job on the real Claude Code CLI, and the same on the demo agent: they must pass the same tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccmux.trial import cases
from tests.house.stand import MANUAL, Stand, text_of, until

manual = pytest.mark.claude_args(*MANUAL)
"""Claude asks before it runs a command."""


def ask(stand: Stand, text: str, *, fifo: str = "in") -> str:
    """Send a message and return what Claude said in its turn."""
    with stand.following() as events:
        stand.write(text, fifo=fifo)
        return text_of(events.until("turn"))


# ----------------------------------------------------------------------------------------------- in and out


def test_a_line_in_the_fifo_reaches_claude_and_its_turn_comes_back_whole(stand: Stand) -> None:
    cases.turn(stand)


@manual
def test_the_hooks_fire_and_carry_what_is_read_in_them(stand: Stand) -> None:
    cases.hooks(stand)


def test_claude_answers_on_a_channel_and_a_reader_gets_the_line(stand: Stand) -> None:
    stand.start()
    os.mkfifo(stand.run / "out.chat", 0o600)
    got: list[bytes] = []

    def read_one() -> None:
        with (stand.run / "out.chat").open("rb") as pipe:
            got.append(pipe.readline())

    reader = threading.Thread(target=read_one)
    reader.start()
    assert ask(stand, "tell chat good morning, you") == "I told chat."
    reader.join(10)
    line = json.loads(got[0])
    assert line["channel"] == "chat"
    assert line["message"] == "good morning, you"
    assert line["session"] == "stand"


def test_what_nobody_reads_yet_is_delivered_when_a_reader_comes(stand: Stand) -> None:
    cases.answer_on_a_channel(stand)


def test_a_channel_that_is_not_there_is_told_to_claude(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("tell nobody hello")
        turn = events.until("turn")
    [result] = [block for block in turn["turn"] if block["type"] == "tool_result"]
    assert "no channel 'nobody'" in json.dumps(result)


def test_adapters_fifos_are_found_and_their_channels_believed(stand: Stand) -> None:
    stand.start()
    os.mkfifo(stand.run / "in.tg", 0o600)
    assert ask(stand, "hi", fifo="in.tg") == "You said: hi"
    with stand.following() as events:
        stand.write({"channel": "tg.bob", "content": "a\nb", "id": "k1"}, fifo="in.tg")
        stand.write({"channel": "tg.bob", "content": "again", "id": "k1"}, fifo="in.tg")
        events.until("turn")
    assert [prompt[7:] for prompt in stand.prompts()] == ["tg] hi", "tg.bob] a\n    b"]


def test_messages_that_come_while_claude_works_go_together_at_the_turns_end(stand: Stand) -> None:
    cases.batch(stand)


def test_a_bad_line_is_kept_and_the_next_is_taken(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write('{"content": 42}')
        stand.write("fine")
        assert events.until("turn")["message_ids"] == [2]
    [dead] = stand.control("messages", states=["dead"])["messages"]
    assert "content" in dead["reason"]


# ------------------------------------------------------------------------------------ what it waits for


@manual
def test_a_permission_prompt_holds_and_nobody_but_a_person_answers_it(stand: Stand) -> None:
    cases.permission(stand)


def test_escape_while_it_works_leaves_no_busy_behind(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("wait 20")
        events.until("message", state="started")
        stand.until_screen("esc to interrupt")
        stand.keys("Escape")
        assert events.until("turn")["outcome"] == "interrupted"
        stand.until_state("idle")
        stand.keys("C-u")  # Claude gives the prompt back into the box; a person clears it
        stand.write("next")
        assert text_of(events.until("turn")) == "You said: next"


def test_interrupt_is_a_command(stand: Stand) -> None:
    cases.interrupt(stand)
    assert "not at work" in _refused(stand, "interrupt")


def test_a_draft_in_the_box_is_held_for_and_left_alone(stand: Stand) -> None:
    cases.draft_is_held_for(stand)


def test_copy_mode_holds(stand: Stand) -> None:
    stand.start()
    stand.tmux("copy-mode", "-t", stand.pane)
    with stand.following() as events:
        stand.write("hello")
        events.until("state", hold="copy mode")
        stand.keys("q")
        assert text_of(events.until("turn")) == "You said: hello"


def test_a_pause_holds_over_a_restart_until_resume(stand: Stand) -> None:
    stand.start()
    stand.ccmux("pause")
    stand.stop()
    stand.start()
    with stand.following() as events:
        stand.write("hello")
        events.until("message", state="queued")
        until(lambda: "paused" in stand.ccmux("why"), "why says paused")
        stand.ccmux("resume")
        assert text_of(events.until("turn")) == "You said: hello"


def test_a_person_at_the_keyboard_is_waited_for(stand: Stand) -> None:
    stand.settings["timing"] = {"idle_threshold": 3}
    stand.start()
    with stand.attached() as person:
        until(lambda: person.pressed(" ") and stand.has_active_client, "tmux saw the key")
        person.pressed("\x15")
        with stand.following() as events:
            stand.write("hello")
            events.until("state", hold="terminal active")
            assert text_of(events.until("turn")) == "You said: hello"


def test_clear_starts_a_new_session_and_messages_go_on(stand: Stand) -> None:
    cases.clear(stand)


# ------------------------------------------------------------------------------------------------- crashes


def test_a_killed_claude_is_resumed_in_the_same_session(stand: Stand) -> None:
    cases.crash(stand)


def test_an_exit_by_a_person_is_followed_by_a_new_start(stand: Stand) -> None:
    cases.leave(stand)


def test_a_session_whose_transcript_is_gone_is_replaced_loudly(stand: Stand) -> None:
    stand.start()
    ask(stand, "one")
    lost = stand.status()["session_id"]
    for path in stand.transcripts():
        path.unlink()
    with stand.following() as events:
        os.kill(stand.claude_pid, signal.SIGKILL)
        started = events.until("claude", event="started")
        assert started["lost"] == lost
        assert started["session_id"] != lost
        stand.write("two")
        assert text_of(events.until("turn")) == "You said: two"
    assert "conversation lost" in (stand.folder / "data/logs/stand.log").read_text()


def test_a_killed_tmux_session_is_built_again(stand: Stand) -> None:
    stand.start()
    ask(stand, "one")
    with stand.following() as events:
        stand.tmux("kill-session", "-t", "=ccmux-stand")
        events.until("claude", event="resumed")
        stand.write("two")
        assert text_of(events.until("turn")) == "You said: two"


@pytest.mark.parametrize("end", [Stand.stop, Stand.kill], ids=["stop", "kill"])
def test_a_new_daemon_adopts_the_running_claude(stand: Stand, end: Callable[[Any], object]) -> None:
    cases.daemon_restart(stand, end=end)


def test_a_turn_that_ends_while_the_daemon_is_down_is_told_at_its_start(stand: Stand) -> None:
    stand.start()
    with stand.following() as events:
        stand.write("wait 1")
        events.until("message", state="started")
        seq = events.seen[-1]["seq"]
    stand.kill()
    until(lambda: "You said: wait 1" in stand.screen(), "Claude answers")
    stand.start()
    with stand.following(since=seq) as events:
        turn = events.until("turn")
        assert (text_of(turn), turn["message_ids"]) == ("You said: wait 1", [1])
    assert len(stand.prompts()) == 1


def test_what_is_sent_while_the_daemon_is_down_is_taken_at_its_start(stand: Stand) -> None:
    stand.start()
    stand.stop()
    key = stand.ccmux("send", "-c", "shell", "hello").strip()
    stand.ccmux("send", "-c", "shell", "--id", key, "hello")
    stand.start()
    with stand.following(since=0) as events:
        assert text_of(events.until("turn")) == "You said: hello"
    [message] = stand.control("messages")["messages"]
    assert (message["key"], message["channel"], message["state"]) == (key, "shell", "answered")


def test_send_waits_for_the_answer_and_prints_it(stand: Stand) -> None:
    stand.start()
    assert stand.ccmux("send", "--wait", "answered", "--timeout", "20", "hello") == "You said: hello\n"


def test_sigterm_ends_the_daemon_in_time_and_leaves_claude_running(stand: Stand) -> None:
    stand.start()
    pid = stand.claude_pid
    with stand.following():
        assert stand.stop() == 0
    assert not (stand.run / "output.sock").exists()
    assert not (stand.run / "control.sock").exists()
    os.kill(pid, 0)


def test_a_second_daemon_on_the_directory_says_whose_it_is(stand: Stand) -> None:
    stand.start()
    assert stand.daemon is not None
    done = subprocess.run(
        [sys.executable, "-m", "ccmux"],
        cwd=stand.project,
        env=stand.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert f"project 'stand' (pid {stand.daemon.pid})" in done.stderr
    assert ask(stand, "still here") == "You said: still here"


def test_the_runtime_directory_is_made_again_when_it_is_deleted(stand: Stand) -> None:
    stand.start()
    before = stand.run.stat().st_ino

    def is_gone() -> bool:
        shutil.rmtree(stand.run, ignore_errors=True)
        return _inode(stand.run) != before

    until(is_gone, "it is gone")
    until(lambda: (stand.run / "in").exists() and _listens(stand.run / "output.sock"), "it is made again")
    until(lambda: _listens(stand.run / "control.sock"), "control.sock is made again")
    assert ask(stand, "hello") == "You said: hello"


# ------------------------------------------------------------------------------------------------ start-up


def test_an_untrusted_folder_is_named_with_the_way_out_and_nothing_is_typed(stand: Stand) -> None:
    cases.untrusted_folder_is_held(stand)


def test_trust_folder_answers_that_one_question(stand: Stand) -> None:
    cases.trust_is_answered(stand)


def test_a_claude_that_cannot_start_says_why_in_status(stand: Stand) -> None:
    # tmux 3.3a may lose what a program says in its very last milliseconds.
    says = "import time; print('no luck today', flush=True); time.sleep(1); raise SystemExit(3)"
    stand.settings["claude"]["command"] = [sys.executable, "-c", says]
    stand.settings["recovery"]["backoff_initial"] = 30
    stand.start(wait=False)
    until(lambda: "no luck today" in stand.status()["detail"], "status has its last words")
    assert "ended with 3 and starts again in 30 s" in stand.ccmux("status")
    assert "no luck today" not in (stand.folder / "data/logs/stand.log").read_text()


def test_the_users_own_mcp_entries_and_settings_are_kept(stand: Stand) -> None:
    (stand.project / ".mcp.json").write_text('{"mcpServers": {}, "mine": [1]}')
    fired = stand.folder / "fired"
    hooks = {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": f"touch {fired}"}]}]}
    (stand.project / "mine.json").write_text(json.dumps({"hooks": hooks}))
    stand.settings["claude"]["args"] = [*stand.args, "--settings", "mine.json"]
    stand.start()
    assert ask(stand, "hello") == "You said: hello"
    assert fired.exists()
    config = json.loads((stand.project / ".mcp.json").read_text())
    assert config["mine"] == [1]
    assert config["mcpServers"]["ccmux"]["headers"] == {"Authorization": "Bearer ${CCMUX_TOKEN}"}


def test_the_token_stands_in_no_command_line_and_no_log(stand: Stand) -> None:
    stand.start()
    ask(stand, "hello")
    token = (stand.folder / "secrets/api_token").read_text().strip()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert token.encode() not in line.read_bytes()
        except OSError:
            continue
    log = (stand.folder / "data/logs/stand.log").read_text()
    assert token not in log
    assert "hello" not in log


def _refused(stand: Stand, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ccmux", *command],
        cwd=stand.project,
        env=stand.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True
