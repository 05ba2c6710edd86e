"""The agent alone, without a daemon: what the demo agent does as the real CLI does, beside the main job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.house.stand import MANUAL, Stand, until

EVENTS = ("SessionStart", "UserPromptSubmit", "PermissionRequest", "Notification")
PANE = "=agent:"


class Agent:
    """A stand's agent in a pane of its own, with hooks that write down what they are told."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._told = stand.folder / "hooks.jsonl"
        self._told.touch()
        hook = {"type": "command", "command": f"printf '%s\\n' \"$(cat)\" >> {self._told}"}
        settings = stand.folder / "settings.json"
        settings.write_text(json.dumps({"hooks": {event: [{"hooks": [hook]}] for event in EVENTS}}))
        command: Sequence[str] = stand.settings["claude"]["command"]
        place = ("-x", "100", "-y", "40", "-c", str(stand.project))
        argv = (*command, *MANUAL, "--settings", str(settings))
        stand.tmux("-f", "/dev/null", "new-session", "-d", "-s", "agent", *place, *argv)
        self.heard("SessionStart")
        self.sees("manual mode on")

    def press(self, *keys: str) -> None:
        self._stand.tmux("send-keys", "-t", PANE, *keys)

    def say(self, text: str) -> dict[str, Any]:
        """Type a line as a person does; return what its hook was told."""
        self.press("-l", text)
        self.sees(f"❯\xa0{text}")
        self.press("Enter")
        until(lambda: any(told["prompt"] == text for told in self.all("UserPromptSubmit")), f"{text} sent")
        return self.all("UserPromptSubmit")[-1]

    def sees(self, *texts: str) -> None:
        until(lambda: all(text in self._screen() for text in texts), lambda: f"{texts} in\n{self._screen()}")

    def _screen(self) -> str:
        return self._stand.tmux("capture-pane", "-p", "-t", PANE)

    def all(self, event: str) -> list[dict[str, Any]]:
        whole = self._told.read_bytes().rpartition(b"\n")[0]
        told = [json.loads(line) for line in whole.split(b"\n") if line]
        return [payload for payload in told if payload["hook_event_name"] == event]

    def heard(self, event: str) -> dict[str, Any]:
        until(lambda: bool(self.all(event)), event)
        return self.all(event)[-1]


def test_shift_tab_goes_round_the_permission_modes_and_hooks_are_told_the_one_in_force(stand: Stand) -> None:
    agent = Agent(stand)
    for footer in ("accept edits on", "plan mode on", "auto mode on", "manual mode on", "accept edits on"):
        agent.press("BTab")
        agent.sees(footer)
    assert agent.say("hello")["permission_mode"] == "acceptEdits"


def test_a_permission_dialog_that_nobody_answers_is_told_again_as_a_notification(stand: Stand) -> None:
    agent = Agent(stand)
    prompt_id = agent.say("run touch x")["prompt_id"]
    asked = agent.heard("PermissionRequest")
    told = agent.heard("Notification")
    session = {name: asked[name] for name in ("session_id", "transcript_path", "cwd", "prompt_id")}
    assert told == session | {
        "hook_event_name": "Notification",
        "message": "Claude needs your permission",
        "notification_type": "permission_prompt",
    }
    assert told["prompt_id"] == prompt_id
    agent.sees("Do you want to proceed?")
