"""One turn of the demo agent: the brain's steps carried out, with hooks, permissions and transcript.

It never runs a command. It is a routine of the reactor: who interrupts it closes it and calls `interrupt`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Sequence
from typing import Any, Protocol

from ccmux.demo import dialogs
from ccmux.demo.brain import SEND_TOOL, Call, Fail, Say, Step, Think, Wait
from ccmux.demo.hooks import Decision, decision
from ccmux.demo.journal import INTERRUPTED, INTERRUPTED_TOOL, new_id
from ccmux.demo.mcp_client import ToolResult, has_channel
from ccmux.demo.reactor import Park, Pause, Work
from ccmux.demo.screen import Kind
from ccmux.demo.session import Session

NOT_RUN = "(demo: not run)"
REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file "
    "edit, the new_string was NOT written to the file). STOP what you are doing and wait for the user to "
    "tell you how to proceed."
)
INTERRUPTED_SHOWN = "Interrupted · What should Claude do instead?"

_MCP = "mcp__ccmux__"
_HEADER = re.compile(r"^\[\d\d:\d\d ([^\]\s]+)\]", re.MULTILINE)
_READS_ONLY = re.compile(r"(?:ls|pwd|echo|cat|head|tail|wc|whoami|date|true|sleep)\b[^;|&<>$`\n]*")
_UNASKED_MODES = {"bypassPermissions", "auto"}

Waits = Generator[Pause | Work | Park, Any, Any]


class Asker(Protocol):
    """Shows dialogs."""

    def ask(self, dialog: dialogs.Dialog, race: Work | None) -> Waits:
        """Show a dialog and return its answer, or what `race` returned first."""
        ...


class Turn:
    """A turn and what is known of it so far.

    Attributes:
        prompts: What was submitted, oldest first; more than one where the queue held more.
        spoken: Something of the answer was shown.
        tool: The tool call that runs now, as the screen shows it, or "".
    """

    def __init__(self, session: Session, asker: Asker, prompts: Sequence[str], source: str) -> None:
        self._session = session
        self._asker = asker
        self.prompts = tuple(prompts)
        self._source = source
        self._began_at = time.monotonic()
        self._message_id = ""
        self._tool_use_id = ""
        self._recorded = False
        self.spoken = False
        self.tool = ""
        self._last = ""

    @property
    def elapsed_s(self) -> int:
        """Whole seconds since the turn began."""
        return int(time.monotonic() - self._began_at)

    def run(self, steps: Sequence[Step]) -> Waits:
        """Carry out the turn."""
        session = self._session
        for prompt in self.prompts:
            session.prompt_id = new_id()
            if self._source == "typed":
                yield session.fire("UserPromptSubmit", prompt=prompt)
            session.transcript.prompt(prompt, session.prompt_id, self._source)
        self._recorded = bool(self.prompts)
        steps = yield from self._with_answer_to_channel(list(steps))
        for at, step in enumerate(steps):
            if not self._message_id:
                self._message_id = f"msg_{new_id().replace('-', '')[:24]}"
            match step:
                case Wait(seconds):
                    yield Pause(seconds)
                case Say(text):
                    self._speak({"type": "text", "text": text}, steps[at:], Kind.SAID, text)
                    self._last = text
                case Think(text):
                    self._speak(
                        {"type": "thinking", "thinking": text, "signature": ""},
                        steps[at:],
                        Kind.THOUGHT,
                        text,
                    )
                case Call():
                    goes_on = yield from self._call(step)
                    self._message_id = ""
                    if not goes_on:
                        return
                case Fail(status):
                    yield from self.fail(f"API Error: {status} demo failure", "unknown", status, Kind.FAILED)
                    return
        yield session.fire(
            "Stop",
            stop_hook_active=False,
            last_assistant_message=self._last,
            background_tasks=[],
            session_crons=[],
        )
        session.transcript.turn_over(
            session.hooks.commands("Stop"), int((time.monotonic() - self._began_at) * 1000)
        )
        clock = time.strftime("%I:%M %p").lstrip("0")
        session.show(Kind.DONE, f"Worked for {self.elapsed_s}s · done {clock}")

    def fail(self, text: str, error: str, status: int | None, kind: Kind) -> Waits:
        """End the turn with an error of the API."""
        self._session.transcript.failed(text, error, status)
        self._session.show(kind, text)
        self.spoken = True
        yield self._session.fire("StopFailure", error=error, last_assistant_message=text)

    def interrupt(self, *, put_back: bool) -> bool:
        """Note that the person interrupted; the routine is closed already.

        Returns whether the prompt goes back into the input box: nothing was answered yet and `put_back`.
        """
        session = self._session
        if self._tool_use_id:
            self._reject()
            return False
        if put_back and not self.spoken and len(self.prompts) == 1:
            if self._recorded:
                session.transcript.withdraw()
            return True
        session.transcript.interrupted(session.prompt_id, INTERRUPTED)
        session.show(Kind.RESULT, INTERRUPTED_SHOWN)
        return False

    def _speak(self, block: dict[str, Any], rest: Sequence[Step], kind: Kind, shown: str) -> str:
        calls = next((step for step in rest if isinstance(step, Call)), None)
        stop_reason = "end_turn" if calls is None else "tool_use"
        self.spoken = True
        if shown:
            self._session.show(kind, shown)
        return self._session.transcript.said(
            block, self._message_id, stop_reason, max(1, len(str(block)) // 4)
        )

    def _with_answer_to_channel(self, steps: list[Step]) -> Waits:
        """Return the steps; before the last words, these go to the channel that asked, if it is there.

        This is what Claude does by the server's instructions.
        """
        asked = _HEADER.findall("\n".join(self.prompts))
        if not (self._session.options.answers and asked and isinstance(steps[-1], Say)):
            return steps
        listed = yield Work(lambda: self._session.mcp.call("list_channels", {}))
        if listed.is_error or not has_channel(listed.text, asked[-1]):
            return steps
        return [*steps[:-1], Call(SEND_TOOL, {"channel": asked[-1], "message": steps[-1].text}), steps[-1]]

    def _call(self, call: Call) -> Waits:
        """Carry out a tool call; return whether the turn goes on."""
        session = self._session
        self._tool_use_id = f"toolu_{new_id().replace('-', '')[:24]}"
        use = {"type": "tool_use", "id": self._tool_use_id, "name": call.tool, "input": call.arguments}
        self._speak(use, [call], Kind.TOOL, "")
        told = {"tool_name": call.tool, "tool_input": call.arguments}
        self.tool = "" if call.tool == "AskUserQuestion" else _label(call)
        yield session.fire("PreToolUse", **told, tool_use_id=self._tool_use_id)
        if call.tool == "AskUserQuestion":
            result = yield from self._question(call)
        else:
            result = yield from self._permitted(call)
        if result is None:
            self._reject()
            return False
        extra: dict[str, Any] = {"toolUseResult": {"stdout": result.text, "stderr": "", "interrupted": False}}
        session.transcript.result(
            self._tool_use_id, result.text, session.prompt_id, is_error=result.is_error, extra=extra
        )
        done_id, self._tool_use_id, self.tool = self._tool_use_id, "", ""
        yield session.fire("PostToolUse", **told, tool_response={"stdout": result.text}, tool_use_id=done_id)
        return True

    def _question(self, call: Call) -> Waits:
        session = self._session
        asked = call.arguments["questions"][0]
        labels = [str(option["label"]) for option in asked["options"]]
        fired = session.fire("PermissionRequest", tool_name=call.tool, tool_input=call.arguments)
        dialog = dialogs.question(asked["header"], asked["question"], labels)
        answer = yield from self._asker.ask(dialog, Work(lambda: _denial(fired.call())))
        if isinstance(answer, Decision):
            return self._denied(answer)
        if answer == dialogs.CANCELLED:
            return None
        session.show(Kind.SAID, "Answered Claude's questions:")
        session.show(Kind.RESULT, f"· {asked['question']} → {answer}")
        pair = f'"{asked["question"]}"="{answer}"'
        said = f"Your questions have been answered: {pair}. You can now continue with these answers in mind."
        return ToolResult(said, is_error=False)

    def _permitted(self, call: Call) -> Waits:
        session = self._session
        by_hook = False
        if not self._allowed(call):
            if session.mode == "dontAsk":
                return self._denied(Decision(allow=False, message="Permission to use this tool was denied."))
            fired = session.fire(
                "PermissionRequest",
                tool_name=call.tool,
                tool_input=call.arguments,
                permission_suggestions=_suggestions(call, session.cwd),
            )
            answer = yield from self._asker.ask(
                _dialog(call, session.cwd), Work(lambda: decision(fired.call()))
            )
            if isinstance(answer, Decision):
                if not answer.allow:
                    return self._denied(answer)
                by_hook = True
            elif answer in {dialogs.CANCELLED, "no"}:
                return None
            elif answer == "always":
                session.allowed.add(call.tool)
            elif answer == "auto":
                session.mode = session.transcript.mode = "auto"
        if call.tool.startswith(_MCP):
            tool = call.tool.removeprefix(_MCP)
            result = yield Work(lambda: session.mcp.call(tool, call.arguments))
            session.show(Kind.CALLED, "ccmux")
            if result.is_error:
                session.show(Kind.BAD_RESULT, result.text)
        else:
            result = ToolResult(NOT_RUN, is_error=False)
            session.show(Kind.TOOL, _label(call))
            session.show(Kind.RESULT, result.text)
        if by_hook:
            session.show(Kind.RESULT, "Allowed by PermissionRequest hook")
        return result

    def _allowed(self, call: Call) -> bool:
        if self._session.mode in _UNASKED_MODES:
            return True
        if call.tool == "Bash" and _READS_ONLY.fullmatch(str(call.arguments.get("command", ""))):
            return True
        names = {call.tool}
        if call.tool.startswith(_MCP):
            names |= {_MCP.rstrip("_"), f"{_MCP}*"}
        return not names.isdisjoint(self._session.allowed)

    def _denied(self, answer: Decision) -> ToolResult:
        self._session.show(Kind.TOOL, self.tool or "AskUserQuestion")
        self._session.show(Kind.BAD_RESULT, f"Error: {answer.message}")
        self._session.show(Kind.RESULT, "Denied by PermissionRequest hook")
        return ToolResult(answer.message, is_error=True)

    def _reject(self) -> None:
        session = self._session
        extra = {"toolUseResult": "User rejected tool use", "toolDenialKind": "user-rejected"}
        session.transcript.result(self._tool_use_id, REJECTED, session.prompt_id, is_error=True, extra=extra)
        session.transcript.interrupted(session.prompt_id, INTERRUPTED_TOOL)
        if self.tool:
            session.show(Kind.TOOL, self.tool)
            session.show(Kind.RESULT, INTERRUPTED_SHOWN)
        else:
            session.show(Kind.SAID, "Declined to answer Claude's questions:")
        self._tool_use_id, self.tool = "", ""


def _label(call: Call) -> str:
    if call.tool == "Bash":
        return f"Bash({call.arguments['command']})"
    return f"ccmux - {call.tool.removeprefix(_MCP)} (MCP)({json.dumps(call.arguments, ensure_ascii=False)})"


def _dialog(call: Call, cwd: str) -> dialogs.Dialog:
    if call.tool == "Bash":
        return dialogs.bash(str(call.arguments["command"]), str(call.arguments.get("description", "")), cwd)
    title = call.tool.removeprefix(_MCP).replace("_", " ").title()
    return dialogs.mcp_tool("ccmux", title, call.arguments, cwd)


def _suggestions(call: Call, cwd: str) -> list[dict[str, Any]]:
    if call.tool != "Bash":
        rule = {"toolName": call.tool}
        return [{"type": "addRules", "rules": [rule], "behavior": "allow", "destination": "localSettings"}]
    return [
        {"type": "addDirectories", "directories": [cwd], "destination": "session"},
        {"type": "setMode", "mode": "acceptEdits", "destination": "session"},
    ]


def _denial(outputs: list[str]) -> Decision | None:
    """Return a hook's denial; an allowance without answers leaves the question on the screen."""
    answer = decision(outputs)
    return answer if answer is not None and not answer.allow else None
