"""The demo agent itself: its terminal, keys to actions, and what is shown."""

from __future__ import annotations

import os
import signal

from ccmux.demo import dialogs, screen
from ccmux.demo.conductor import Conductor
from ccmux.demo.editor import PASTE_NEWLINES, Editor
from ccmux.demo.keys import Key, KeyDecoder, Pasted, Press, Typed
from ccmux.demo.reactor import Reactor
from ccmux.demo.screen import Box
from ccmux.demo.session import Session
from ccmux.demo.terminal import Terminal

ESCAPE_S = 0.03
"""What follows an ESC within this time belongs to it."""

ARMED_S = 1.0
"""A second Escape or Ctrl-C within this time clears or exits."""

_CYCLE = ("default", "acceptEdits", "plan", "auto")


class Agent:
    """The program while it runs."""

    def __init__(self, session: Session, terminal: Terminal) -> None:
        self._session = session
        self._terminal = terminal
        self._reactor = Reactor()
        self._decoder = KeyDecoder()
        self._editor = Editor()
        self._conductor = Conductor(session, self._reactor)
        self._viewing = False
        self._drawn = 0
        self._armed = ""
        self._redraws = session.redraws

    def run(self) -> int:
        """Run until the person, a signal or the terminal's end stops it; return the exit code."""
        reactor = self._reactor
        reactor.on_signal(signal.SIGTERM, lambda: self._conductor.leave("other", 143))
        reactor.on_signal(signal.SIGHUP, lambda: self._conductor.leave("other", 129))
        reactor.on_signal(signal.SIGINT, lambda: self._conductor.leave("other", 130))
        reactor.on_signal(signal.SIGWINCH, self._redraw_all)
        self._terminal.enter()
        reactor.spawn(self._conductor.begin())
        try:
            return reactor.run(self._terminal.fd, self._read, self._refresh)
        except OSError:  # EIO: the terminal is gone, nobody can be told
            self._session.end("other")
            return 129
        finally:
            self._give_back()

    # ------------------------------------------------------------------------------------- beginning and end

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
            self._conductor.leave("other", 129)
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
        elif self._conductor.dialog is not None:
            self._conductor.answer(press)
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
                    self._conductor.submit(submitted)
                    editor.unstash()
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
            case Key("up") if self._conductor.queue and not editor.items:
                editor.put_back(self._conductor.unqueue())
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
            case Key("escape") if self._conductor.turn is not None:
                self._interrupt()
            case Key("escape") if editor.items:
                self._twice("escape", armed, editor.clear)
            case Key("ctrl-c") if self._conductor.turn is not None:
                self._interrupt()
            case Key("ctrl-c" | "ctrl-d" as key) if key == "ctrl-c" or not editor.items:
                editor.clear()
                self._twice(key, armed, lambda: self._conductor.leave("prompt_input_exit", 0))
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

    def _interrupt(self) -> None:
        prompt = self._conductor.interrupt(put_back=not self._editor.items)
        if prompt:
            self._editor.put_back(prompt)

    # ------------------------------------------------------------------------------------------------ drawing

    def _redraw_all(self) -> None:
        self._terminal.clear()
        self._drawn = 0

    def _refresh(self) -> None:
        session, conductor = self._session, self._conductor
        if session.registry is not None:
            session.registry.status(*conductor.status)
        if session.redraws != self._redraws:
            self._redraws = session.redraws
            self._redraw_all()
        columns, height = self._terminal.size()
        self._terminal.title(f"{'◐' if conductor.busy else '✳'} Claude Code")
        rows: list[str] = []
        if session.registry is not None:
            new = session.entries[self._drawn :]
            rows = [row for entry in new for row in screen.entry_rows(entry, columns)]
            session.forget_old_entries()
            self._drawn = len(session.entries)
        self._terminal.draw(rows, self._live(columns, height))

    def _live(self, columns: int, height: int) -> screen.Live:
        conductor = self._conductor
        tool = conductor.turn.tool if conductor.turn else ""
        if self._viewing:
            return screen.transcript_view(columns)
        if conductor.dialog is not None:
            return screen.dialog_live(dialogs.rows(conductor.dialog, columns), tool, columns, height)
        return screen.box(self._box(tool), columns, height)

    def _box(self, tool: str) -> Box:
        editor, conductor, placeholder = self._editor, self._conductor, ""
        if conductor.queue:
            placeholder = "Press up to edit queued messages"
        elif conductor.failed_login:
            placeholder = "Once fixed, resend your message"
        left = "paste again to expand" if editor.has_folded else ""
        if self._armed.startswith("ctrl"):
            left = f"Press Ctrl-{self._armed[-1].upper()} again to exit"
        right = "esc again to clear" if self._armed == "escape" else editor.notice
        if not right and editor.stashed:
            right = "draft stashed"
        elapsed_s = conductor.turn.elapsed_s if conductor.turn else 0
        spinner = "Working…" + (f" ({elapsed_s}s)" if elapsed_s else "") if conductor.busy else ""
        return Box(
            draft=editor.shown,
            cursor=editor.shown_cursor,
            mode=self._session.mode if self._session.mode in screen.MODES else "default",
            queued=tuple(submitted.shown for submitted in conductor.queue),
            placeholder=placeholder,
            spinner=spinner,
            tool=tool,
            left=left,
            right=right,
            login_needed=conductor.login_needed,
        )
