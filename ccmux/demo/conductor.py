"""What happens one after the other: start, turns, the queue, commands, dialogs, end. No keys, no drawing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ccmux.demo import dialogs, startup
from ccmux.demo.brain import Say, Step, steps
from ccmux.demo.editor import Submitted
from ccmux.demo.journal import new_id
from ccmux.demo.keys import Press
from ccmux.demo.reactor import Park, Reactor, Task, Work
from ccmux.demo.screen import Kind
from ccmux.demo.session import Session
from ccmux.demo.turn import NOT_RUN, Turn, Waits

PERMISSION_NOTICE_S = 6.0

_COMMAND = re.compile(r"/([A-Za-z][\w:-]*)(?:\s|$)")
_LOGIN = "Not logged in · Please run /login"


class Conductor:
    """Owns the turn that runs, what is queued behind it, and the dialog that waits for an answer.

    Attributes:
        turn: The turn that runs, or None.
        dialog: What has the keyboard, or None.
        queue: What was submitted while Claude worked.
        failed_login: A prompt failed because nobody is logged in.
    """

    def __init__(self, session: Session, reactor: Reactor) -> None:
        self._session = session
        self._reactor = reactor
        self._task: Task | None = None
        self._asking: Task | None = None
        self.turn: Turn | None = None
        self.dialog: dialogs.Dialog | None = None
        self.queue: list[Submitted] = []
        self.login_needed = session.options.startup == "login"
        self.failed_login = False

    @property
    def busy(self) -> bool:
        """Something runs: a turn, a `!` command, `/clear`."""
        return self._task is not None

    @property
    def status(self) -> tuple[str, str]:
        """What the registry says: status and what is waited for."""
        waiting_for = self.dialog.waiting_for if self.dialog else ""
        return "waiting" if waiting_for else "busy" if self.busy else "idle", waiting_for

    def ask(self, dialog: dialogs.Dialog, race: Work | None) -> Waits:
        """Show a dialog and return its answer, or what `race` returned first."""
        self.dialog, self._asking = dialog, self._reactor.current
        if dialog.waiting_for == "permission prompt":
            self._reactor.later(PERMISSION_NOTICE_S, lambda: self._remind(dialog))
        try:
            return (yield Park(race.call if race else None))
        finally:
            self.dialog, self._asking = None, None

    def answer(self, press: Press) -> None:
        """Give a key to the dialog."""
        if self.dialog is None or self._asking is None:
            return
        after = dialogs.pressed(self.dialog, press)
        if isinstance(after, dialogs.Dialog):
            self.dialog = after
        else:
            self._reactor.resume(self._asking, after)

    def begin(self) -> Waits:
        """Begin: start-up dialog, registry, SessionStart, first prompt."""
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
            self.submit(Submitted(options.prompt, options.prompt))

    def leave(self, reason: str, exit_code: int) -> None:
        """End the program; hooks are told why."""
        if self._task is not None:
            self._reactor.cancel(self._task)
        self._session.end(reason)
        self._reactor.stop(exit_code)

    def submit(self, submitted: Submitted) -> None:
        """Take what Enter submitted: a command, a turn, or something for the queue."""
        session, text = self._session, submitted.prompt
        command = _COMMAND.match(text)
        if text.startswith("!") and self._task is None:
            self._run(None, self._shell_command(text[1:].strip()))
        elif command is not None:
            self._command(command[1])
        elif self._task is not None:
            self.queue.append(submitted)
            session.transcript.queue("enqueue", text)
            self._reactor.spawn(self._told(text))
        else:
            session.show(Kind.PROMPT, submitted.shown)
            self._take_turn([text], "typed", steps(text))

    def _told(self, prompt: str) -> Waits:
        yield self._session.fire("UserPromptSubmit", prompt=prompt)

    def _take_turn(self, prompts: Sequence[str], source: str, what: Sequence[Step]) -> None:
        turn = Turn(self._session, self, prompts, source)
        self._run(turn, self._logged_out(turn) if self.login_needed else turn.run(what))

    def _logged_out(self, turn: Turn) -> Waits:
        self.failed_login = True
        yield from turn.fail(_LOGIN, "authentication_failed", None, Kind.BAD_RESULT)

    def _run(self, turn: Turn | None, routine: Waits) -> None:
        def whole() -> Waits:
            yield from routine
            self.turn = self._task = None
            self._next()

        self.turn = turn
        self._tick()
        # a routine may end before spawn returns, so the task is known only if it waits
        task = self._reactor.spawn(_after_start(whole()))
        self._task = task
        self._reactor.resume(task, None)

    def _next(self) -> None:
        """Take all that was queued as one turn, as the CLI does."""
        if not self.queue:
            return
        taken, self.queue = self.queue, []
        for submitted in taken:
            self._session.transcript.queue("dequeue")
            self._session.show(Kind.PROMPT, submitted.shown)
        prompts = [submitted.prompt for submitted in taken]
        self._take_turn(prompts, "queued", steps(prompts[-1]))

    def unqueue(self) -> str:
        """Return what was queued, as one draft; the queue is empty then."""
        taken, self.queue = self.queue, []
        self._session.transcript.queue("popAll")
        return "\n".join(submitted.prompt for submitted in taken)

    def interrupt(self, *, put_back: bool) -> str:
        """Interrupt the turn; return the prompt if it goes back into the input box, else "".

        Args:
            put_back: There is room for it: no draft.
        """
        task, turn = self._task, self.turn
        self._task = self.turn = None
        if task is not None:
            self._reactor.cancel(task)
        if turn is not None and turn.interrupt(put_back=put_back and not self.queue):
            self._session.withdraw()
            return turn.prompts[0]
        self._next()
        return ""

    def _tick(self) -> None:
        """Redraw each second while Claude works: the spinner counts."""
        turn = self.turn
        if turn is not None:
            self._reactor.later(1.0, lambda: self._tick() if self.turn is turn else None)

    def _shell_command(self, command: str) -> Waits:
        session = self._session
        session.prompt_id = new_id()
        session.show(Kind.SHELL, command)
        session.transcript.shell(session.prompt_id, f"<bash-input>{command}</bash-input>")
        session.show(Kind.RESULT, NOT_RUN)
        session.transcript.shell(
            session.prompt_id, f"<bash-stdout>{NOT_RUN}</bash-stdout><bash-stderr></bash-stderr>"
        )
        self.turn = Turn(session, self, (), "typed")
        yield from self.turn.run([Say("The demo agent runs no commands.")])

    def _command(self, name: str) -> None:
        session = self._session
        match name:
            case "exit" | "quit":
                self.leave("prompt_input_exit", 0)
            case "clear":
                if self._task is not None:
                    self._reactor.cancel(self._task)
                self.queue = []
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
        yield self._session.start_event("clear")

    def _help(self) -> Waits:
        yield from self.ask(dialogs.help_pages(), None)
        self._session.show(Kind.RESULT, "Help dialog dismissed")

    def _remind(self, dialog: dialogs.Dialog) -> None:
        if self._asking is not None and self.dialog is not None and self.dialog.head is dialog.head:
            self._reactor.spawn(self._reminder())

    def _reminder(self) -> Waits:
        yield self._session.fire(
            "Notification", message="Claude needs your permission", notification_type="permission_prompt"
        )


def _after_start(routine: Waits) -> Waits:
    yield Park()
    yield from routine
