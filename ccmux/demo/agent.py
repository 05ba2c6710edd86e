"""The demo agent itself: keys to actions, actions to what is shown, and what the registry says meanwhile."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence

from ccmux.demo import dialogs, screen, startup
from ccmux.demo.brain import Say, Step, steps
from ccmux.demo.editor import PASTE_NEWLINES, Editor, Submitted
from ccmux.demo.journal import new_id
from ccmux.demo.keys import Key, KeyDecoder, Pasted, Press, Typed
from ccmux.demo.reactor import Park, Reactor, Task, Work
from ccmux.demo.screen import Box, Kind
from ccmux.demo.session import Session
from ccmux.demo.terminal import Terminal
from ccmux.demo.turn import NOT_RUN, Turn, Waits

ESCAPE_S = 0.03
"""What follows an ESC within this time belongs to it."""

ARMED_S = 1.0
"""A second Escape or Ctrl-C within this time clears or exits."""

PERMISSION_NOTICE_S = 6.0

_COMMAND = re.compile(r"/([A-Za-z][\w:-]*)(?:\s|$)")
_LOGIN = "Not logged in · Please run /login"
_CYCLE = ("default", "acceptEdits", "plan", "auto")


class Agent:
    """The program while it runs."""

    def __init__(self, session: Session, terminal: Terminal) -> None:
        self._session = session
        self._terminal = terminal
        self._reactor = Reactor()
        self._decoder = KeyDecoder()
        self._editor = Editor()
        self._queue: list[Submitted] = []
        self._turn: Turn | None = None
        self._task: Task | None = None
        self._shell = False
        self._dialog: dialogs.Dialog | None = None
        self._asking: Task | None = None
        self._viewing = False
        self._drawn = 0
        self._armed = ""
        self._login_needed = session.options.startup == "login"
        self._failed_login = False

    def run(self) -> int:
        """Run until the person, a signal or the terminal's end stops it; return the exit code."""
        reactor = self._reactor
        reactor.on_signal(signal.SIGTERM, lambda: self._leave("other", 143))
        reactor.on_signal(signal.SIGHUP, lambda: self._leave("other", 129))
        reactor.on_signal(signal.SIGINT, lambda: self._leave("other", 130))
        reactor.on_signal(signal.SIGWINCH, self._redraw_all)
        self._terminal.enter()
        reactor.spawn(self._begin())
        try:
            return reactor.run(self._terminal.fd, self._read, self._refresh)
        except OSError:  # EIO: the terminal is gone, nobody can be told
            self._session.end("other")
            return 129
        finally:
            self._give_back()

    def ask(self, dialog: dialogs.Dialog, race: Work | None) -> Waits:
        """Show a dialog and return its answer, or what `race` returned first."""
        self._dialog, self._asking = dialog, self._reactor.current
        if dialog.waiting_for == "permission prompt":
            self._reactor.later(PERMISSION_NOTICE_S, lambda: self._remind(dialog))
        try:
            return (yield Park(race.call if race else None))
        finally:
            self._dialog, self._asking = None, None

    # ------------------------------------------------------------------------------------- beginning and end

    def _begin(self) -> Waits:
        options = self._session.options
        first = startup.dialog(options.startup, self._session.cwd)
        if first is not None:
            answer = yield from self.ask(first, None)
            if answer in {"exit", dialogs.CANCELLED}:
                self._reactor.stop(1)
                return
        self._session.register()
        yield self._session.start_event("resume" if options.resume else "startup")
        if options.prompt:
            self._submit(Submitted(options.prompt, options.prompt))

    def _leave(self, reason: str, exit_code: int) -> None:
        if self._task is not None:
            self._reactor.cancel(self._task)
        self._session.end(reason)
        self._reactor.stop(exit_code)

    def _give_back(self) -> None:
        try:
            self._terminal.leave()
            if self._session.transcript.path.exists():
                text = f"Resume this session with:\nclaude --resume {self._session.transcript.session_id}\n"
                os.write(self._terminal.fd, f"\x1b[2m{text}\x1b[22m".replace("\n", "\r\n").encode())
        except OSError:  # the terminal is gone
            return

    def _suspend(self) -> None:
        self._terminal.leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._terminal.enter()
        self._redraw_all()

    # --------------------------------------------------------------------------------------------------- keys

    def _read(self) -> None:
        data = os.read(self._terminal.fd, 65536)
        if not data:
            self._leave("other", 129)
            return
        for press in self._decoder.feed(data):
            self._press(press)
        if self._decoder.unfinished:
            self._reactor.later(ESCAPE_S, self._flush_escape)

    def _flush_escape(self) -> None:
        for press in self._decoder.flush():
            self._press(press)

    def _press(self, press: Press) -> None:
        if self._viewing:
            if press in {Key("ctrl-o"), Key("escape"), Key("ctrl-c"), Typed("q")}:
                self._viewing = False
                self._redraw_all()
        elif self._dialog is not None:
            after = dialogs.pressed(self._dialog, press)
            if isinstance(after, dialogs.Dialog):
                self._dialog = after
            elif self._asking is not None:
                self._reactor.resume(self._asking, after)
        elif press == Key("ctrl-o"):
            self._viewing = True
            self._redraw_all()
        else:
            self._edit(press)

    def _edit(self, press: Press) -> None:
        editor, armed = self._editor, self._armed
        self._armed = ""
        match press:
            case Typed(text):
                editor.type(text)
            case Pasted(text):
                editor.paste(text, min(PASTE_NEWLINES, self._terminal.size()[1] - 10))
            case Key("enter"):
                submitted = editor.enter(f"{int.from_bytes(os.urandom(2)) % 10000:04d}")
                if submitted is not None:
                    self._submit(submitted)
            case Key("newline"):
                editor.type("\n")
            case Key("backspace"):
                editor.backspace()
            case Key("delete"):
                editor.delete()
            case Key("left" | "right" | "home" | "end" as where):
                editor.move(where)
            case Key("ctrl-a" | "ctrl-e" as where):
                editor.move("home" if where == "ctrl-a" else "end")
            case Key("up") if self._queue and not editor.items:
                self._unqueue()
            case Key("ctrl-u"):
                editor.kill_line()
            case Key("ctrl-s"):
                editor.stash()
            case Key("ctrl-l"):
                self._redraw_all()
            case Key("ctrl-z"):
                self._suspend()
            case Key("shift-tab"):
                self._next_mode()
            case Key("escape") if self._turn is not None:
                self._interrupt()
            case Key("escape") if editor.items:
                self._twice("escape", armed, editor.clear)
            case Key("ctrl-c") if self._turn is not None:
                self._interrupt()
            case Key("ctrl-c" | "ctrl-d" as key) if key == "ctrl-c" or not editor.items:
                editor.clear()
                self._twice(key, armed, lambda: self._leave("prompt_input_exit", 0))
            case _:
                pass

    def _twice(self, key: str, armed: str, action: object) -> None:
        if armed == key and callable(action):
            action()
            return
        self._armed = key
        self._reactor.later(ARMED_S, lambda: self._disarm(key))

    def _disarm(self, key: str) -> None:
        if self._armed == key:
            self._armed = ""

    def _next_mode(self) -> None:
        session = self._session
        cycle = [*_CYCLE, *({session.options.mode} - set(_CYCLE))]
        session.mode = session.transcript.mode = cycle[(cycle.index(session.mode) + 1) % len(cycle)]

    # -------------------------------------------------------------------------------------------------- turns

    def _submit(self, submitted: Submitted) -> None:
        session, text = self._session, submitted.prompt
        command = _COMMAND.match(text)
        if text.startswith("!") and self._task is None:
            self._run(None, self._shell_command(text[1:].strip()))
        elif command is not None:
            self._command(command[1])
        elif self._task is not None:
            self._queue.append(submitted)
            session.transcript.queue("enqueue", text)
            self._reactor.spawn(self._told(text))
        else:
            session.show(Kind.PROMPT, submitted.shown)
            self._take_turn([text], "typed", steps(text))
        if self._editor.stashed and not self._editor.items:
            self._editor.unstash()

    def _told(self, prompt: str) -> Waits:
        yield self._session.fire("UserPromptSubmit", prompt=prompt)

    def _take_turn(self, prompts: Sequence[str], source: str, what: Sequence[Step]) -> None:
        turn = Turn(self._session, self, prompts, source)
        self._run(turn, self._logged_out(turn) if self._login_needed else turn.run(what))

    def _logged_out(self, turn: Turn) -> Waits:
        self._failed_login = True
        yield from turn.fail(_LOGIN, "authentication_failed", None, Kind.BAD_RESULT)

    def _run(self, turn: Turn | None, routine: Waits) -> None:
        def whole() -> Waits:
            yield from routine
            self._turn = self._task = None
            self._next()

        self._turn = turn
        self._tick()
        # a routine may end before spawn returns, so the task is known only if it waits
        task = self._reactor.spawn(_after_start(whole()))
        self._task = task
        self._reactor.resume(task, None)

    def _next(self) -> None:
        """Take all that was queued as one turn, as the CLI does."""
        if not self._queue:
            return
        taken, self._queue = self._queue, []
        for submitted in taken:
            self._session.transcript.queue("dequeue")
            self._session.show(Kind.PROMPT, submitted.shown)
        prompts = [submitted.prompt for submitted in taken]
        self._take_turn(prompts, "queued", steps(prompts[-1]))

    def _unqueue(self) -> None:
        self._editor.put_back("\n".join(submitted.prompt for submitted in self._queue))
        self._session.transcript.queue("popAll")
        self._queue = []

    def _interrupt(self) -> None:
        task, turn = self._task, self._turn
        self._task = self._turn = None
        if task is not None:
            self._reactor.cancel(task)
        if turn is not None and turn.interrupt(put_back=not self._editor.items and not self._queue):
            self._editor.put_back(turn.prompts[0])
            self._session.entries.pop()
            self._redraw_all()
        self._next()

    def _tick(self) -> None:
        """Redraw each second while Claude works: the spinner counts."""
        turn = self._turn
        if turn is not None:
            self._reactor.later(1.0, lambda: self._tick() if self._turn is turn else None)

    def _shell_command(self, command: str) -> Waits:
        session = self._session
        session.prompt_id = new_id()
        session.show(Kind.SHELL, command)
        session.transcript.shell(session.prompt_id, f"<bash-input>{command}</bash-input>")
        session.show(Kind.RESULT, NOT_RUN)
        session.transcript.shell(
            session.prompt_id, f"<bash-stdout>{NOT_RUN}</bash-stdout><bash-stderr></bash-stderr>"
        )
        self._turn = Turn(session, self, (), "typed")
        yield from self._turn.run([Say("The demo agent runs no commands.")])

    # ----------------------------------------------------------------------------------------------- commands

    def _command(self, name: str) -> None:
        session = self._session
        match name:
            case "exit" | "quit":
                self._leave("prompt_input_exit", 0)
            case "clear":
                if self._task is not None:
                    self._reactor.cancel(self._task)
                self._queue = []
                self._run(None, self._clear())
            case "help":
                session.show(Kind.PROMPT, "/help")
                self._reactor.spawn(self._help())
            case _:
                session.show(Kind.FAILED, f"Unknown command: /{name}")
                session.transcript.system(
                    "informational", content=f"Unknown command: /{name}", level="warning"
                )

    def _clear(self) -> Waits:
        yield self._session.fire("SessionEnd", reason="clear")
        self._session.renew()
        self._session.show(Kind.PROMPT, "/clear")
        self._redraw_all()
        yield self._session.start_event("clear")

    def _help(self) -> Waits:
        yield from self.ask(dialogs.help_pages(), None)
        self._session.show(Kind.RESULT, "Help dialog dismissed")

    def _remind(self, dialog: dialogs.Dialog) -> None:
        if self._asking is not None and self._dialog is not None and self._dialog.head is dialog.head:
            self._reactor.spawn(self._reminder())

    def _reminder(self) -> Waits:
        yield self._session.fire(
            "Notification", message="Claude needs your permission", notification_type="permission_prompt"
        )

    # ------------------------------------------------------------------------------------------------ drawing

    def _redraw_all(self) -> None:
        self._terminal.clear()
        self._drawn = 0

    def _refresh(self) -> None:
        busy = self._task is not None
        if self._session.registry is not None:
            waiting_for = self._dialog.waiting_for if self._dialog else ""
            status = "waiting" if waiting_for else "busy" if busy else "idle"
            self._session.registry.status(status, waiting_for)
        columns, height = self._terminal.size()
        self._terminal.title(f"{'◐' if busy else '✳'} Claude Code")
        if len(self._session.entries) < self._drawn:
            self._redraw_all()
        starting = self._session.registry is None
        new = [] if starting else self._session.entries[self._drawn :]
        self._drawn += len(new)
        rows = [row for entry in new for row in screen.entry_rows(entry, columns)]
        self._terminal.draw(rows, self._live(columns, height))

    def _live(self, columns: int, height: int) -> screen.Live:
        tool = self._turn.tool if self._turn else ""
        if self._viewing:
            return screen.transcript_view(columns)
        if self._dialog is not None:
            return screen.dialog_live(dialogs.rows(self._dialog, columns), tool, columns, height)
        return screen.box(self._box(tool), columns, height)

    def _box(self, tool: str) -> Box:
        editor, placeholder = self._editor, ""
        if self._queue:
            placeholder = "Press up to edit queued messages"
        elif self._failed_login:
            placeholder = "Once fixed, resend your message"
        left = "paste again to expand" if editor.has_folded else ""
        if self._armed.startswith("ctrl"):
            left = f"Press Ctrl-{self._armed[-1].upper()} again to exit"
        right = "esc again to clear" if self._armed == "escape" else editor.notice
        if not right and editor.stashed:
            right = "draft stashed"
        elapsed_s = self._turn.elapsed_s if self._turn else 0
        spinner = "Working…" + (f" ({elapsed_s}s)" if elapsed_s else "") if self._task else ""
        return Box(
            draft=editor.shown,
            cursor=editor.shown_cursor,
            mode=self._session.mode if self._session.mode in screen.MODES else "default",
            queued=tuple(submitted.shown for submitted in self._queue),
            placeholder=placeholder,
            spinner=spinner,
            tool=tool,
            left=left,
            right=right,
            login_needed=self._login_needed,
        )


def _after_start(routine: Waits) -> Waits:
    yield Park()
    yield from routine
