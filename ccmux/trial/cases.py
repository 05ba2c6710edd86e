"""What ccmux needs of a Claude Code, one case each: a story on a stand that is not started yet.

Each story raises NotSo with the fact where something is otherwise. The tests of the whole house tell the same
stories with the CLI that was tested and with the demo agent.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ccmux.core.messages import MessageState
from ccmux.core.observation import Hold
from ccmux.trial.bodies import KINDS
from ccmux.trial.fidelity import Verdict, send_all
from ccmux.trial.follower import Event, text_of
from ccmux.trial.stand import BYPASS, MANUAL, Stand
from ccmux.trial.waiting import NotSo, expect

TRUST_WORDS = "folder trust"
_DRAFT = "half a  thought; \\"
_SHOWN_BODIES = 5
_QUESTION = "Do you want to proceed?"
_AGAIN_S = 1.0
_HOOKS = ("SessionStart", "UserPromptSubmit", "PermissionRequest", "Stop")
"""The events that ccmux cannot be without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One story.

    Attributes:
        name: For a person, and for scripts: it stays.
        story: Raises NotSo.
        args: Claude's.

    """

    name: str
    story: Callable[[Stand], None]
    args: Sequence[str] = BYPASS


# ------------------------------------------------------------------------------------------------ start-up


def trust_is_answered(stand: Stand) -> None:
    """With `[claude] trust_folder` the start-up dialog is answered beforehand, and Claude gets idle."""
    stand.distrust()
    stand.settings["claude"]["trust_folder"] = True
    stand.start()
    _same("the answer", text_of(stand.ask("hello")), "You said: hello")


def untrusted_folder_is_held(stand: Stand) -> None:
    """Without it the dialog is named, with the way out, and nothing is typed into it."""
    stand.distrust()
    stand.start(wait=False)
    with stand.following(since=0) as events:
        stand.write("hello")
        events.until("message", state="queued")
        stand.until_state("starting", hold="starting")
        stand.until(
            lambda: TRUST_WORDS in stand.status()["detail"],
            lambda: f"status names the dialog; it says {stand.status()['detail']!r}",
        )
    expect("ccmux attach" in stand.ccmux("status"), "status does not tell the way out")
    expect("trust" in stand.screen(), "the dialog is not on the screen any more")
    _same("the queue", stand.status()["queue"]["queued"], 1)


# ------------------------------------------------------------------------------------------------- turns


def turn(stand: Stand) -> None:
    """Write a line: it reaches Claude as it was built, and its turn comes back whole, once."""
    stand.start()
    with stand.following() as events:
        stand.write("hello")
        said = events.until("turn")
        _same("the answer", text_of(said), "You said: hello")
        _same("the turn's messages", said["message_ids"], [1])
        _same("the turn's outcome", said["outcome"], "finished")
        expect(said["usage"]["output_tokens"] > 0, f"the turn's usage is {said['usage']}")
        # Hook and transcript race: where the transcript is first, `submitted` is skipped.
        states = [state for state in told_states(events.seen) if state != "submitted"]
        _same("the states", states, ["queued", "typing", "started"])
        stand.write("work hard")
        worked = events.until("turn")
    kinds = [block["type"] for block in worked["turn"]]
    _same("the turn's blocks", kinds, ["thinking", "text", "tool_use", "tool_result", "text"])
    _same("its last words", worked["turn"][-1]["text"], "Done: hard")
    first, *_ = stand.prompts()
    expect(re.fullmatch(r"\[\d\d:\d\d default\] hello", first) is not None, f"the prompt was {first!r}")


def hooks(stand: Stand) -> None:
    """See each hook fire, with what ccmux reads in it."""
    spool = stand.folder / "hooks"
    spool.mkdir()
    at = shlex.quote(str(spool))
    keep = f'f="$(mktemp {at}/XXXXXX)" && cat >"$f" && mv "$f" "$f.json"'
    table = {name: [{"hooks": [{"type": "command", "command": keep}]}] for name in _HOOKS}
    (stand.project / "own.json").write_text(json.dumps({"hooks": table}))
    stand.settings["claude"]["args"] = [*stand.args, "--settings", "own.json"]

    def got(name: str) -> list[dict[str, Any]]:
        found = [json.loads(path.read_bytes()) for path in spool.glob("*.json")]
        return [event for event in found if event["hook_event_name"] == name]

    def one(name: str, **fields: str) -> None:
        stand.until(lambda: bool(got(name)), f"a {name} hook")
        for event in got(name):
            _same(f"session_id of {name}", event.get("session_id"), session)
            expect(bool(event.get("transcript_path")), f"{name} has no transcript_path")
            for key, value in fields.items():
                _same(f"{key} of {name}", event.get(key), value)

    stand.start()
    session = stand.status()["session_id"]
    one("SessionStart", source="startup")
    with stand.following() as events:
        stand.write("run touch made")
        events.until("permission_request", before="turn")
        one("PermissionRequest", tool_name="Bash")
        stand.until_screen(_QUESTION)
        _answer_by_hand(stand, "Enter")
        events.until("turn")
    one("Stop", last_assistant_message="It ran.")
    one("UserPromptSubmit", prompt=stand.prompts()[0])


def batch(stand: Stand) -> None:
    """Messages that come while Claude works wait, and go together at the turn's end."""
    stand.start()
    with stand.following() as events:
        stand.write("wait 1")
        events.until("message", state="started")
        for number in range(3):
            stand.write(f"m{number}")
        _same("the first turn's messages", events.until("turn")["message_ids"], [1])
        _same("the second turn's messages", events.until("turn")["message_ids"], [2, 3, 4])
    together = [line[7:] for line in stand.prompts()[1].splitlines()]
    _same("the second prompt", together, [f"default] m{number}" for number in range(3)])


def answer_on_a_channel(stand: Stand) -> None:
    """Claude calls send_to_channel over MCP, and the line is in the FIFO."""
    stand.start()
    _tell(stand, "good morning, you")


# ------------------------------------------------------------------------------------ what it waits for


def permission(stand: Stand) -> None:
    """Let Claude ask: it is known as a permission prompt, only a person's key answers it."""
    stand.start()
    with stand.following() as events:
        request = _asked(stand, events.until, "touch made")
        stand.write("yes")
        events.until("message", id=2, state="queued")
        why = stand.ccmux("why", "2")
        expect("permission prompt" in why, f"ccmux why says {why!r}")
        stand.until_screen(_QUESTION)
        expect(not (stand.project / "made").exists(), "the command ran unasked")
        _answer_by_hand(stand, "Escape")
        events.until("permission_resolved", request_id=request["request_id"], behavior="deny")
        said = events.until("turn", message_ids=[2])
        _same("the next answer", text_of(said), "You said: yes")
        request = _asked(stand, events.until, "touch made")
        _answer_by_hand(stand, "Enter")
        events.until("permission_resolved", request_id=request["request_id"], behavior="allow")
        _same("the words after it ran", text_of(events.until("turn")), "It ran.")


def _asked(stand: Stand, until: Callable[..., Event], command: str) -> Event:
    stand.write(f"run {command}")
    request = until("permission_request", before="turn")
    _same("the tool", request["tool_name"], "Bash")
    _same("the command", request["tool_input"]["command"], command)
    stand.until_state("waiting")
    stand.until_screen(_QUESTION)
    return request


def _answer_by_hand(stand: Stand, key: str) -> None:
    """Press a key in the dialog until it is gone: in its first moments 2.1.329 takes none."""
    pressed_s = 0.0

    def is_gone() -> bool:
        nonlocal pressed_s
        if _QUESTION not in stand.screen():
            return True
        if time.monotonic() - pressed_s > _AGAIN_S:
            pressed_s = time.monotonic()
            stand.keys(key)
        return False

    stand.until(is_gone, f"{key} answers the dialog")


def draft_is_held_for(stand: Stand) -> None:
    """Begin a text by hand: it is left alone until it is taken away."""
    stand.start()
    stand.keys("-l", "half a thought")
    stand.until_screen("half a thought")
    with stand.following() as events:
        stand.write("hello")
        events.until("state", hold="draft in the input box")
        expect("half a thought" in stand.screen(), "the draft is gone")
        stand.keys("C-u")
        _same("the answer", text_of(events.until("turn")), "You said: hello")


def draft_is_put_aside(stand: Stand) -> None:
    """Leave a draft alone for long: it is stashed for a message, and comes back to the byte."""
    stand.settings["timing"] = {"draft_patience_s": 1}
    stand.start()
    stand.keys("-l", _DRAFT)
    stand.until_screen("half a")
    with stand.following() as events:
        stand.write("wait 1")
        events.until("state", hold="draft in the input box")
        events.until("message", id=1, state="started")
        _until_draft(stand, _DRAFT)
        stand.write("again")
        _same("the first answer", text_of(events.until("turn")), "You said: wait 1")
        _same("the second answer", text_of(events.until("turn")), "You said: again")
    _until_draft(stand, _DRAFT)
    prompts = [prompt[7:] for prompt in stand.prompts()]
    _same("the prompts", prompts, ["default] wait 1", "default] again"])


def interrupt(stand: Stand) -> None:
    """`ccmux interrupt` ends a turn, no busy is left behind, and delivery goes on."""
    stand.start()
    with stand.following() as events:
        stand.write("wait 20")
        events.until("message", state="started")  # an Esc before that leaves no turn
        stand.until_screen("esc to interrupt")
        stand.ccmux("interrupt")
        _same("the turn's outcome", events.until("turn")["outcome"], "interrupted")
        stand.until_state("idle")
        stand.keys("C-u")  # Claude gives the prompt back into the box; a person clears it
        stand.write("next")
        _same("the next answer", text_of(events.until("turn")), "You said: next")


# ------------------------------------------------------------------------------------------------- sessions


def crash(stand: Stand) -> None:
    """Kill Claude: it is resumed in the same session, and delivery goes on."""
    stand.start()
    stand.ask("one")
    before = stand.status()
    with stand.following() as events:
        os.kill(stand.claude_pid, signal.SIGKILL)
        crashed = events.until("claude", event="crashed")
        _same("the exit code", crashed["exit"], -signal.SIGKILL)
        _same("the pid", crashed["pid"], before["pid"])
        resumed = events.until("claude", event="resumed")
        _same("the session", resumed["session_id"], before["session_id"])
        stand.write("two")
        _same("the answer", text_of(events.until("turn")), "You said: two")
    after = stand.status()
    _same("the session", after["session_id"], before["session_id"])
    _same("the restarts", after["restarts"], 1)


def leave(stand: Stand) -> None:
    """After a person's /exit Claude is started again, in the same session."""
    stand.start()
    stand.ask("one")
    with stand.following() as events:
        _command(stand, "/exit")
        _same("the exit code", events.until("claude", event="exited")["exit"], 0)
        events.until("claude", event="resumed")
        stand.write("two")
        _same("the answer", text_of(events.until("turn")), "You said: two")


def clear(stand: Stand) -> None:
    """Type /clear: ccmux follows to the new session, and it is the one that is resumed."""
    stand.start()
    stand.ask("before")
    first = stand.status()["session_id"]
    _command(stand, "/clear")
    stand.until(lambda: stand.status()["session_id"] != first, "the session changed")
    _same("the answer", text_of(stand.ask("after")), "You said: after")
    second = stand.status()["session_id"]
    os.kill(stand.claude_pid, signal.SIGKILL)
    with stand.following(types=["claude"]) as events:
        _same("the session", events.until("claude", event="resumed")["session_id"], second)


def daemon_restart(stand: Stand, *, end: Callable[[Stand], object] = Stand.stop) -> None:
    """Restart the daemon: it finds Claude undisturbed, and Claude finds its MCP server again."""
    stand.start()
    stand.ask("one")
    pid = stand.claude_pid
    end(stand)
    stand.start()
    _same("Claude's pid", [stand.claude_pid, stand.status()["pid"]], [pid, pid])
    _tell(stand, "still here")
    _same("the restarts", stand.status()["restarts"], 0)


# --------------------------------------------------------------------------------------------------- texts


def texts(kind: str, stand: Stand) -> None:
    """Every body of this kind arrives to the character, or is refused with its reason."""
    bodies = KINDS[kind]
    results = send_all(stand, bodies)
    wanted = {body.name: Verdict.REFUSED if body.content is None else Verdict.EXACT for body in bodies}
    bad = [f"{one.name}: {one.verdict}: {one.says}" for one in results if one.verdict is not wanted[one.name]]
    untried = len(bodies) - len(results)
    if untried:
        bad.append(f"{untried} more were not tried")
    if bad:
        more = [f"and {len(bad) - _SHOWN_BODIES} more"] if len(bad) > _SHOWN_BODIES else []
        raise NotSo("\n".join([*bad[:_SHOWN_BODIES], *more]))


# ------------------------------------------------------------------------------------------------- the pieces


def told_states(seen: Sequence[Event]) -> list[str]:
    """Return the states of the messages that were told, without a typing that was held before its first key.

    A Claude that has just started may look idle, then at work once more; that is held, as it should be.
    """
    states: list[str] = []
    for event in seen:
        if event["type"] == "message":
            is_held = event["state"] == MessageState.QUEUED and event["reason"] in set(Hold)
            if is_held and states[-1:] == [MessageState.TYPING]:
                states.pop()
            else:
                states.append(event["state"])
    return states


def _same(what: str, got: object, wanted: object) -> None:
    expect(got == wanted, f"{what}: {got!r} in place of {wanted!r}")


def _tell(stand: Stand, words: str) -> None:
    """Let Claude send these words to a channel, and take them from its FIFO."""
    with stand.following(types=["channel"]) as events:
        os.mkfifo(stand.run / "out.chat", 0o600)
        events.until("channel", event="added", channel="chat")
    _same("the answer", text_of(stand.ask(f"tell chat {words}")), "I told chat.")
    reader = os.open(stand.run / "out.chat", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        read = b""

        def whole() -> bool:
            nonlocal read
            read += pipe.read(65_536) or b""
            return read.endswith(b"\n")

        stand.until(whole, lambda: f"a line in out.chat; it holds {read!r}")
    line = json.loads(read)
    _same("the line", [line["channel"], line["message"], line["session"]], ["chat", words, "stand"])


def _command(stand: Stand, command: str) -> None:
    stand.keys("-l", command)
    stand.until_screen(command)
    stand.keys("Enter")


def _until_draft(stand: Stand, draft: str) -> None:
    stand.until(lambda: stand.seen()[0].draft == draft, f"the draft {draft!r} stands there again")


CASES: tuple[Case, ...] = (
    Case(name="start: folder trust is answered", story=trust_is_answered),
    *(Case(name=f"text: {kind}", story=partial(texts, kind)) for kind in KINDS),
    Case(name="start: an untrusted folder is held for", story=untrusted_folder_is_held),
    Case(name="turn: seen from end to end", story=turn),
    Case(name="turn: hooks fire", story=hooks, args=MANUAL),
    Case(name="turn: messages meanwhile wait and go together", story=batch),
    Case(name="turn: an interrupt ends it", story=interrupt),
    Case(name="permission: held for, answered by a person", story=permission, args=MANUAL),
    Case(name="draft: held for", story=draft_is_held_for),
    Case(name="draft: put aside and back", story=draft_is_put_aside),
    Case(name="channel: an answer over MCP", story=answer_on_a_channel),
    Case(name="session: a crash is resumed", story=crash),
    Case(name="session: /exit is followed by a start", story=leave),
    Case(name="session: /clear is followed", story=clear),
    Case(name="session: a new daemon disturbs nothing", story=daemon_restart),
)
"""All of them: first what all others need, then those that take longest."""
