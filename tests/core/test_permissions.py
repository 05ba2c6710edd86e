from __future__ import annotations

from itertools import count
from typing import Any

from ccmux.core.events import EventType
from ccmux.core.observation import CaughtUp, HookEvent, HookSeen, ProcessSeen, RegistryEntry, RegistrySeen
from ccmux.core.permissions import OpenPermissions


def prompts() -> OpenPermissions:
    numbers = count(1)
    return OpenPermissions(new_id=lambda: f"r{next(numbers)}")


def hook(name: str, *, at: float, in_subagent: bool = False, **payload: Any) -> HookSeen:
    event = HookEvent(
        name=name,
        session_id="s",
        transcript_path="/t",
        prompt_id="p",
        at=at,
        payload=payload,
        in_subagent=in_subagent,
    )
    return HookSeen(event=event)


def status(word: str, *, at: float) -> RegistrySeen:
    entry = RegistryEntry(pid=1, session_id="s", status=word, waiting_for="", updated_at=at)
    return RegistrySeen(entry=entry)


def asked(open_: OpenPermissions, *, at: float = 1.0) -> None:
    open_.hear(hook("PermissionRequest", at=at, tool_name="Bash", tool_input={"command": "ls"}))


def test_a_request_tells_what_is_asked() -> None:
    [draft] = prompts().hear(
        hook("PermissionRequest", at=1.0, tool_name="Bash", tool_input={"command": "ls"})
    )
    assert draft.type is EventType.PERMISSION_REQUEST
    assert draft.fields == {
        "request_id": "r1",
        "tool_name": "Bash",
        "tool_input": {"command": "ls"},
        "suggestions": [],
    }


def test_work_that_goes_on_says_allowed_and_idleness_refused() -> None:
    for word, behavior in (("busy", "allow"), ("idle", "deny")):
        open_ = prompts()
        asked(open_)
        assert open_.hear(status("waiting", at=2.0)) == []
        [draft] = open_.hear(status(word, at=3.0))
        assert draft.fields == {"request_id": "r1", "behavior": behavior, "by": "terminal"}
        assert open_.hear(status(word, at=4.0)) == []


def test_a_word_from_before_the_question_says_nothing() -> None:
    open_ = prompts()
    asked(open_, at=5.0)
    assert open_.hear(status("busy", at=4.0)) == []
    assert open_.hear(hook("Stop", at=4.0)) == []


def test_the_end_of_the_turn_or_of_claude_ends_every_prompt() -> None:
    open_ = prompts()
    asked(open_)
    asked(open_)
    assert len(open_.hear(hook("Stop", at=9.0))) == 2
    asked(open_)
    assert open_.hear(hook("Stop", at=9.0, in_subagent=True)) == []
    assert open_.hear(ProcessSeen(pid=7)) == []
    [draft] = open_.hear(ProcessSeen(pid=None))
    assert draft.fields["by"] == "exit"


def test_what_an_earlier_life_left_open_is_still_open() -> None:
    open_ = prompts()
    open_.remember(EventType.PERMISSION_REQUEST, {"request_id": "a"}, 1.0)
    open_.remember(EventType.PERMISSION_REQUEST, {"request_id": "b"}, 2.0)
    open_.remember(EventType.PERMISSION_RESOLVED, {"request_id": "a"}, 3.0)
    open_.remember(EventType.TURN, {}, 3.0)
    [draft] = open_.hear(status("busy", at=4.0))
    assert draft.fields["request_id"] == "b"
    assert open_.hear(CaughtUp()) == []
