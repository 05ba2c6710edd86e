"""The whole demo agent in a real tmux of its own: what an outside program sees of it."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ccmux.core.sanitise import clean
from ccmux.core.transcript import read_record
from ccmux.core.turns import News, PromptRead, TurnAssembler, TurnEnded
from tests.demo.server import McpServer

ID = "11111111-2222-4333-8444-555555555555"
EVENTS = ("SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "PreToolUse", "PermissionRequest",
          "PostToolUse", "SessionEnd", "Notification")  # fmt: skip
CHECKOUT = Path(__file__).resolve().parents[2]


_T = TypeVar("_T")


def until(look: Callable[[], _T], what: str) -> _T:
    """Look until something true is seen; 20 s are for a machine that is very busy."""
    end_s = time.monotonic() + 20
    while not (seen := look()):
        if time.monotonic() > end_s:
            raise AssertionError(f"not seen: {what}")
        time.sleep(0.01)
    return seen


class Demo:
    """A demo agent in a pane, its files, and everything its hooks were told."""

    def __init__(self, folder: Path) -> None:
        self.project, self.home, self.spool = folder / "project", folder / "home", folder / "hooks.jsonl"
        self.project.mkdir()
        self.spool.touch()
        self.settings = folder / "settings.json"
        hook = f"printf '%s\\n' \"$(cat)\" >> {self.spool}"
        table = {event: [{"hooks": [{"type": "command", "command": hook}]}] for event in EVENTS}
        self.settings.write_text(json.dumps({"hooks": table}))
        self._tmux_dir = folder / "tmux"
        self._tmux_dir.mkdir(mode=0o700)
        self.pid = 0

    def tmux(self, *argv: str, given: str | None = None) -> str:
        command = ["tmux", "-S", str(self._tmux_dir / "s"), "-f", "/dev/null", *argv]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=given).stdout

    def start(self, *argv: str, **environ: str) -> None:
        mode = () if "--dangerously-skip-permissions" in argv else ("--permission-mode", "manual")
        program = [sys.executable, "-m", "ccmux.demo", *mode, "--settings", str(self.settings), *argv]
        pairs = {
            "CLAUDE_CONFIG_DIR": str(self.home),
            "PYTHONPATH": str(CHECKOUT),
            "CCMUX_TOKEN": "t",
            **environ,
        }
        flags = [word for name, value in pairs.items() for word in ("-e", f"{name}={value}")]
        size = ("-x", "100", "-y", "40", "-c", str(self.project))
        if not self.pid:
            self.tmux("new-session", "-d", "-s", "keeper", *size, "cat")
            self.tmux("set-option", "-g", "remain-on-exit", "on")
        self.tmux("new-session", "-d", "-s", "demo", *size, *flags, *program)
        self.pid = int(self.tmux("display-message", "-p", "-t", "demo", "#{pane_pid}"))

    def ready(self) -> None:
        until(lambda: self.status() == "idle" and "❯\xa0" in self.screen(), "an idle box")
        until(lambda: self.hooks("SessionStart"), "SessionStart")

    def stop(self) -> None:
        self.tmux("kill-server")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "demo", *keys)

    def say(self, text: str) -> None:
        """Paste and press Enter, as ccmux does."""
        self.tmux(
            "load-buffer", "-b", "b", "-", ";", "paste-buffer", "-prd", "-b", "b", "-t", "demo", given=text
        )
        self.press("Enter")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "demo")

    def sees(self, *texts: str) -> str:
        return until(
            lambda: (shown := self.screen()) if all(t in self.screen() for t in texts) else "", str(texts)
        )

    def registry(self) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads((self.home / f"sessions/{self.pid}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return entry

    def status(self) -> str:
        entry = self.registry()
        return str(entry.get("waitingFor") or entry.get("status", ""))

    def hooks(self, name: str = "") -> list[dict[str, Any]]:
        whole = self.spool.read_bytes().rpartition(b"\n")[0]
        told = [json.loads(line) for line in whole.split(b"\n") if line]
        return [payload for payload in told if name in {"", payload["hook_event_name"]}]

    def heard(self, name: str, count: int = 1) -> dict[str, Any]:
        return until(lambda: (seen := self.hooks(name)) if len(self.hooks(name)) >= count else [], name)[-1]

    def records(self, kind: str) -> list[dict[str, Any]]:
        path = Path(self.hooks("SessionStart")[-1]["transcript_path"])
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        return [record for line in lines if line for record in [json.loads(line)] if record["type"] == kind]

    def said(self) -> list[Any]:
        return [block for record in self.records("assistant") for block in record["message"]["content"]]

    def exit_status(self) -> str:
        until(
            lambda: self.tmux("display-message", "-p", "-t", "demo", "#{pane_dead}").strip() == "1", "its end"
        )
        return self.tmux("display-message", "-p", "-t", "demo", "#{pane_dead_status}").strip()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    one = Demo(tmp_path)
    try:
        yield one
    finally:
        one.stop()


def test_a_message_is_submitted_proved_and_answered(demo: Demo) -> None:
    demo.start("--session-id", ID)
    demo.ready()
    demo.say("[14:30 chat] hello\n    there")
    assert demo.heard("UserPromptSubmit")["prompt"] == "[14:30 chat] hello\n    there"
    stop = demo.heard("Stop")
    assert stop["last_assistant_message"] == "You said: there"
    assert stop["prompt_id"] == demo.heard("UserPromptSubmit")["prompt_id"]
    assert (stop["session_id"], stop["permission_mode"]) == (ID, "default")
    until(lambda: demo.status() == "idle", "idle")
    [user] = demo.records("user")
    assert (user["promptId"], user["message"]["content"]) == (
        stop["prompt_id"],
        "[14:30 chat] hello\n    there",
    )
    assert [line["subtype"] for line in demo.records("system")] == ["stop_hook_summary", "turn_duration"]
    demo.sees("❯ [14:30 chat] hello", "● You said: there", "? for shortcuts")


def test_a_long_paste_is_wrapped_and_a_typed_line_leads_it(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.press("-l", "lead:")
    demo.say("\n".join(f"line {n}" for n in range(300)))
    prompt = demo.heard("UserPromptSubmit")["prompt"]
    lead, _, rest = prompt.partition("\n\n<pasted_content id=")
    assert lead == "lead:"
    assert rest[6:].startswith(">\nline 0\n")
    assert rest.endswith(f"\nline 299\n</pasted_content id={rest[:6]}>\n")


@pytest.mark.parametrize("count", [1, 40, 500, 801, 12_000])
def test_what_is_pasted_arrives_to_the_character(demo: Demo, count: int) -> None:
    chance = random.Random(count)
    demo.start("--dangerously-skip-permissions")
    demo.ready()
    for number in range(1, 4):
        body = "".join(chance.choice("ab c\n\\!/#@;:é日😀\u200b\t'\"$<]") for _ in range(count))
        text = clean(f"[12:00 chat] x{body}x")
        demo.say(text)
        prompt = demo.heard("UserPromptSubmit", number)["prompt"]
        assert (
            re.sub(r'\n\n<pasted_content id="\d{4}">\n(.*)\n</pasted.*\n', r"\1", prompt, flags=re.DOTALL)
            == text
        )
        demo.heard("Stop", number)


def test_a_turn_is_read_like_the_real_ones(demo: Demo) -> None:
    demo.start("--dangerously-skip-permissions")
    demo.ready()
    demo.say("work on it")
    demo.heard("Stop")
    until(lambda: demo.status() == "idle", "idle")
    assembler, offset, news = TurnAssembler(), 0, list[News]()
    for line in Path(demo.heard("Stop")["transcript_path"]).read_bytes().splitlines(keepends=True):
        offset += len(line)
        news += assembler.read(offset, read_record(line), now_s=0.0)
    read, ended = news
    assert isinstance(read, PromptRead)
    assert isinstance(ended, TurnEnded)
    assert ended.prompt_id == demo.heard("Stop")["prompt_id"]
    assert ended.fields["outcome"] == "finished"
    assert [block["type"] for block in ended.fields["turn"]] == [
        "thinking",
        "text",
        "tool_use",
        "tool_result",
        "text",
    ]


def test_a_turn_of_many_blocks_is_one_message_until_its_tool_call(demo: Demo) -> None:
    demo.start("--dangerously-skip-permissions")
    demo.ready()
    demo.say("work on it")
    demo.heard("Stop")
    blocks = demo.said()
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use", "text"]
    ids = [record["message"]["id"] for record in demo.records("assistant")]
    assert len(set(ids[:3])) == 1
    assert ids[3] != ids[0]
    result = demo.records("user")[1]["message"]["content"][0]
    assert (result["tool_use_id"], result["content"]) == (blocks[2]["id"], "(demo: not run)")
    demo.sees("bypass permissions on (shift+tab to cycle)")


@pytest.mark.parametrize(
    ("key", "behavior"), [("Enter", "runs"), ("1", "runs"), ("Escape", "ends"), ("4", "ends")]
)
def test_a_permission_dialog_is_answered_by_a_person(demo: Demo, key: str, behavior: str) -> None:
    demo.start()
    demo.ready()
    demo.say("run touch x")
    asked = demo.heard("PermissionRequest")
    assert (asked["tool_name"], asked["tool_input"]["command"]) == ("Bash", "touch x")
    until(lambda: demo.status() == "permission prompt", "waiting")
    assert demo.registry()["status"] == "waiting"
    shown = demo.sees("Do you want to proceed?", "❯ 1. Yes", "4. No", "Esc to cancel")
    assert "❯\xa0" not in shown
    demo.press(key)
    if behavior == "runs":
        assert demo.heard("Stop")["last_assistant_message"] == "It ran."
    until(lambda: demo.status() == "idle", "idle")
    texts = [str(record["message"]["content"]) for record in demo.records("user")]
    assert ("[Request interrupted by user for tool use]" in texts[-1]) is (behavior == "ends")
    assert len(demo.hooks("Stop")) == (behavior == "runs")
    assert not (demo.project / "x").exists()


@pytest.mark.parametrize("behavior", ["allow", "deny"])
def test_a_permission_dialog_is_answered_by_a_hook(demo: Demo, behavior: str) -> None:
    decided = {"behavior": behavior, "message": "not now"}
    answer = {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decided}}
    door = demo.project / "door"
    os.mkfifo(door)
    settings = json.loads(demo.settings.read_text())
    settings["hooks"]["PermissionRequest"][0]["hooks"].append({"type": "command", "command": f"cat {door}"})
    demo.settings.write_text(json.dumps(settings))
    demo.start()
    demo.ready()
    demo.say("run touch x")
    until(lambda: demo.status() == "permission prompt", "waiting")
    door.write_text(json.dumps(answer))
    demo.heard("Stop")
    demo.sees(
        *{"allow": ("Allowed by PermissionRequest hook",), "deny": ("Denied by", "Error: not now")}[behavior]
    )
    assert demo.records("user")[1]["message"]["content"][0]["is_error"] is (behavior == "deny")


def test_a_question_is_answered_or_declined(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.say("ask Why?")
    until(lambda: demo.status() == "input needed", "waiting")
    demo.sees("❯ 1. Yes", "3. Type something.", "4. Chat about this")
    demo.press("2")
    demo.heard("Stop")
    assert '"Why?"="No"' in demo.records("user")[1]["message"]["content"][0]["content"]
    demo.say("ask Why?")
    until(lambda: demo.status() == "input needed", "waiting")
    demo.press("Escape")
    until(lambda: demo.status() == "idle", "idle")
    assert len(demo.hooks("Stop")) == 1


def test_what_is_typed_while_busy_waits_and_becomes_one_turn(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.say("wait 600")
    until(lambda: demo.status() == "busy", "busy")
    demo.sees("esc to interrupt")
    demo.say("one")
    demo.say("two")
    told = [demo.heard("UserPromptSubmit", 3)["prompt_id"], demo.hooks("UserPromptSubmit")[0]["prompt_id"]]
    assert told[0] == told[1]
    demo.sees("❯ one", "❯ two", "Queued", "Press up to edit queued messages")
    demo.press("Escape")
    stop = demo.heard("Stop")
    assert stop["last_assistant_message"] == "You said: two"
    prompts = [record for record in demo.records("user") if record.get("promptSource") == "queued"]
    assert [record["message"]["content"] for record in prompts] == ["one", "two"]
    assert prompts[-1]["promptId"] == stop["prompt_id"]
    assert len(demo.hooks("Stop")) == 1
    assert len(demo.hooks("UserPromptSubmit")) == 3
    operations = [record["operation"] for record in demo.records("queue-operation")]
    assert operations == ["enqueue", "enqueue", "dequeue", "dequeue"]


def test_escape_before_any_answer_puts_the_prompt_back(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.say("wait 600")
    until(lambda: demo.records("user"), "the prompt in the transcript")
    demo.press("Escape")
    until(lambda: demo.status() == "idle", "idle")
    demo.sees("❯\xa0wait 600")
    assert len(demo.records("user")) == 1
    demo.press("C-u")
    demo.say("hello")
    demo.heard("Stop")
    assert [record["parentUuid"] for record in demo.records("user")] == [None, None]


def test_a_failure_of_the_api_is_no_stop(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.say("fail")
    assert demo.heard("StopFailure")["error"] == "unknown"
    until(lambda: demo.status() == "idle", "idle")
    assert demo.hooks("Stop") == []
    assert demo.records("assistant")[0]["isApiErrorMessage"] is True
    demo.sees("● API Error: 400")


def test_a_stashed_draft_comes_back_with_the_next_submit(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.press("-l", "my draft")
    demo.sees("❯\xa0my draft")
    demo.press("C-s")
    demo.sees("draft stashed")
    demo.say("hello")
    assert demo.heard("UserPromptSubmit")["prompt"] == "hello"
    demo.sees("❯\xa0my draft")


def test_clear_is_a_new_session_in_the_same_process(demo: Demo) -> None:
    demo.start("--session-id", ID)
    demo.ready()
    demo.say("hello")
    demo.heard("Stop")
    demo.say("/clear")
    started = demo.heard("SessionStart", 2)
    assert (demo.hooks("SessionEnd")[0]["reason"], started["source"]) == ("clear", "clear")
    assert started["session_id"] != ID
    until(lambda: demo.registry().get("sessionId") == started["session_id"], "the registry follows")
    assert "hello" not in demo.sees("❯ /clear")


def test_dialogs_and_views_have_no_input_box(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.say("/help")
    until(lambda: demo.status() == "dialog open", "waiting")
    assert "❯\xa0" not in demo.sees("Esc to close")
    demo.press("Escape")
    until(lambda: demo.status() == "idle", "idle")
    demo.press("C-o")
    assert "❯\xa0" not in demo.sees("Showing detailed transcript")
    assert demo.status() == "idle"
    demo.press("C-o")
    demo.sees("❯\xa0")
    demo.say("/nosuch")
    demo.sees("Unknown command: /nosuch")
    demo.say("!touch x")
    demo.sees("! touch x", "(demo: not run)")
    assert not (demo.project / "x").exists()


@pytest.mark.parametrize(
    ("how", "reason", "status"), [("/exit", "prompt_input_exit", "0"), ("", "other", "143")]
)
def test_an_end_is_told_and_the_registry_is_tidy(demo: Demo, how: str, reason: str, status: str) -> None:
    demo.start()
    demo.ready()
    if how:
        demo.say(how)
    else:
        os.kill(demo.pid, signal.SIGTERM)
    assert demo.heard("SessionEnd")["reason"] == reason
    assert demo.exit_status() in {status, ""}
    assert demo.registry() == {}


def test_the_end_of_the_terminal_ends_it(demo: Demo) -> None:
    demo.start()
    demo.ready()
    demo.tmux("kill-session", "-t", "demo")
    assert demo.heard("SessionEnd")["reason"] == "other"
    until(lambda: demo.registry() == {}, "no registry file")


def test_after_a_kill_the_files_stay_and_the_session_goes_on(demo: Demo) -> None:
    demo.start("--session-id", ID)
    demo.ready()
    demo.say("hello")
    demo.heard("Stop")
    until(lambda: demo.status() == "idle", "idle")
    os.kill(demo.pid, signal.SIGKILL)
    demo.exit_status()
    assert demo.registry()["sessionId"] == ID
    demo.tmux("kill-session", "-t", "demo")
    demo.start("--resume", ID)
    assert demo.heard("SessionStart", 2)["source"] == "resume"
    demo.sees("● You said: hello", "❯\xa0")


def test_a_session_id_is_taken_once_and_resumed_only_if_it_is_there(tmp_path: Path) -> None:
    def refused(*argv: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ccmux.demo", *argv], capture_output=True, text=True, check=False,
            cwd=tmp_path, env={"PYTHONPATH": str(CHECKOUT), "CLAUDE_CONFIG_DIR": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 1
        return done.stderr.strip()

    assert refused("--resume", ID) == f"No conversation found with session ID: {ID}"
    folder = tmp_path / "projects" / "".join(c if c.isalnum() else "-" for c in str(tmp_path))
    folder.mkdir(parents=True)
    (folder / f"{ID}.jsonl").touch()
    assert refused("--session-id", ID) == f"Error: Session ID {ID} is already in use."
    assert "needs a terminal" in refused()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trust", "Quick safety check"),
        ("theme", "Choose the text style"),
        ("bypass", "WARNING"),
        ("mcp", "New MCP"),
    ],
)
def test_a_startup_dialog_comes_before_the_session(demo: Demo, name: str, text: str) -> None:
    demo.start(CCMUX_DEMO_STARTUP=name)
    shown = demo.sees(text, "❯")
    assert "❯\xa0" not in shown
    assert demo.registry() == {}
    assert demo.hooks() == []
    if name == "mcp":
        assert "❯ Continue without using this MCP server" in shown
    if name in {"trust", "bypass"}:
        demo.press("Down")
        demo.sees("❯ Yes")
    demo.press("Enter")
    demo.ready()


def test_nobody_is_logged_in(demo: Demo) -> None:
    demo.start(CCMUX_DEMO_STARTUP="login")
    demo.ready()
    demo.sees("Not logged in · run /login")
    demo.say("hello")
    assert demo.heard("StopFailure")["error"] == "authentication_failed"
    demo.sees("Not logged in · Please run /login", "Once fixed, resend your message")


@pytest.mark.parametrize("answers", ["1", "0"])
def test_an_answer_goes_to_the_channel_that_asked(demo: Demo, answers: str) -> None:
    with McpServer(token="t") as server:
        entry = {"type": "http", "url": server.url, "headers": {"Authorization": "Bearer ${CCMUX_TOKEN}"}}
        (demo.project / ".mcp.json").write_text(json.dumps({"mcpServers": {"ccmux": entry}}))
        demo.start("--dangerously-skip-permissions", CCMUX_DEMO_ANSWERS=answers)
        demo.ready()
        demo.say("[14:30 elsewhere] hello")
        demo.heard("Stop")
        demo.say("[14:30 chat] hello")
        demo.heard("Stop", 2)
        sent = [arguments for name, arguments in server.calls if name == "send_to_channel"]
        assert sent == ([{"channel": "chat", "message": "You said: hello"}] if answers == "1" else [])
        assert demo.said()[-1]["text"] == "You said: hello"


def test_a_dead_server_is_an_error_that_claude_sees(demo: Demo) -> None:
    (demo.project / ".mcp.json").write_text('{"mcpServers":{"ccmux":{"url":"http://127.0.0.1:9/mcp"}}}')
    demo.start("--dangerously-skip-permissions")
    demo.ready()
    demo.say("tell chat hi")
    demo.heard("Stop")
    assert demo.records("user")[1]["message"]["content"][0]["is_error"] is True


def test_ctrl_z_suspends_it_and_it_goes_on(demo: Demo) -> None:
    """Tmux wakes its pane's own process at once (SIGCONT), so what can be seen is that nothing is lost."""
    demo.start()
    demo.ready()
    demo.press("-l", "my draft")
    demo.sees("❯\xa0my draft")
    demo.press("C-z")
    demo.press("-l", " goes on")
    demo.sees("❯\xa0my draft goes on")
    demo.press("Enter")
    assert demo.heard("UserPromptSubmit")["prompt"] == "my draft goes on"


def test_it_survives_any_size_of_the_terminal(demo: Demo) -> None:
    demo.start()
    demo.ready()
    for size in (("20", "8"), ("200", "50"), ("60", "20")):
        demo.tmux("resize-window", "-t", "demo", "-x", size[0], "-y", size[1])
        demo.say("long 300")
    assert demo.heard("Stop")
    demo.sees("❯\xa0", "? for shortcuts")
